// The bar at the head of every page: the name, the look of the console, and who is signed in.

import TopNavigation, { type TopNavigationProps } from "@cloudscape-design/components/top-navigation";
import { signOut, useSessionState } from "./api/session";
import { openGlobalSearch } from "./global-search";
import { notifyError } from "./lib/notifications";
import { address } from "./lib/router";
import { changeSettings, type Settings, useSettings } from "./lib/settings";

const themes: { id: Settings["theme"]; text: string }[] = [
  { id: "system", text: "As the system" },
  { id: "light", text: "Light" },
  { id: "dark", text: "Dark" },
];

const densities: { id: Settings["density"]; text: string }[] = [
  { id: "compact", text: "Compact" },
  { id: "comfortable", text: "Comfortable" },
];

function chooseLook(id: string): void {
  const theme = themes.find((one) => one.id === id);
  const density = densities.find((one) => one.id === id);
  if (theme) changeSettings({ theme: theme.id });
  if (density) changeSettings({ density: density.id });
}

export function TopBar() {
  const { theme, density } = useSettings();
  const state = useSessionState();
  const utilities: TopNavigationProps.Utility[] = [
    {
      type: "menu-dropdown",
      iconName: "settings",
      ariaLabel: "Look of the console",
      title: "Look",
      onItemClick: ({ detail }) => chooseLook(detail.id),
      items: [
        {
          id: "theme",
          text: "Theme",
          items: themes.map((one) => ({ ...one, itemType: "checkbox", checked: one.id === theme })),
        },
        {
          id: "density",
          text: "Density",
          items: densities.map((one) => ({ ...one, itemType: "checkbox", checked: one.id === density })),
        },
      ],
    },
  ];
  if (state.status === "signedIn") {
    utilities.unshift({
      type: "button",
      iconName: "search",
      text: "Search",
      title: "Search (Ctrl+K)",
      ariaLabel: "Search queues and pages",
      onClick: openGlobalSearch,
    });
    const { Arn, AccountId, Region, ReadOnly, Development } = state.session;
    utilities.push({
      type: "button",
      text: Region,
      ariaLabel: `Region ${Region}: about this server`,
      iconName: "globe",
      href: address("server"),
    });
    utilities.push(
      Development
        ? { type: "button", text: "Development mode", iconName: "unlocked", href: address("server") }
        : {
            type: "menu-dropdown",
            text: ReadOnly ? `${principalName(Arn)} (read only)` : principalName(Arn),
            description: Arn ?? AccountId,
            iconName: "user-profile",
            items: [{ id: "sign-out", text: "Sign out" }],
            onItemClick: () => {
              signOut().catch((error: unknown) => notifyError("You are still signed in", error));
            },
          },
    );
  }
  return (
    <TopNavigation
      identity={{ href: address("queues"), title: "Millrace" }}
      utilities={utilities}
      i18nStrings={{ overflowMenuTriggerText: "More", overflowMenuTitleText: "All" }}
    />
  );
}

/** The last part of an ARN: "alice" of arn:aws:iam::000000000000:user/alice. */
function principalName(arn: string | undefined): string {
  return arn?.split(/[:/]/).at(-1) ?? "Signed in";
}
