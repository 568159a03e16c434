// The frame around every page: top bar, side navigation, breadcrumbs, results, and the page that the
// address names.

import AppLayout from "@cloudscape-design/components/app-layout";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import SideNavigation, { type SideNavigationProps } from "@cloudscape-design/components/side-navigation";
import { QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { queryClient } from "./api/queries";
import { loadSession, useSession, useSessionState } from "./api/session";
import type { Session } from "./api/types";
import { Failure } from "./components/failure";
import { Lazily } from "./components/lazily";
import { Loading } from "./components/loading";
import { GlobalSearch } from "./global-search";
import { useNotifications } from "./lib/notifications";
import { address, follow, matchPattern, navigate, type Parameters, replaceAddress, useLocation } from "./lib/router";
import { SignInAgain, SignInPage } from "./routes/sign-in";
import { NotFound } from "./routes/not-found";
import { type Page, pages } from "./routes/table";
import { TopBar } from "./top-bar";

const home = address("queues");

function findPage(segments: string[]): { page: Page; parameters: Parameters } | undefined {
  for (const page of pages) {
    const parameters = matchPattern(page.pattern, segments);
    if (parameters) return { page, parameters };
  }
  return undefined;
}

function navigationItems(): SideNavigationProps.Item[] {
  const links = (group: "messages" | "administration"): SideNavigationProps.Item[] =>
    pages
      .filter((page) => page.navigation?.group === group)
      .map((page) => ({ type: "link", text: page.navigation?.text ?? "", href: `#/${page.pattern}` }));
  const administration = links("administration");
  return administration.length === 0
    ? links("messages")
    : [...links("messages"), { type: "divider" }, ...administration];
}

/** The entry of the side navigation that an address belongs to: a queue's pages belong to Queues. */
function activeHref(page: Page | undefined): string {
  if (page === undefined) return "";
  return page.navigation ? `#/${page.pattern}` : (page.parents?.[0]?.href ?? "");
}

/** What a person must not forget while the page is open. */
function banners(session: Session): FlashbarProps.MessageDefinition[] {
  const shown: FlashbarProps.MessageDefinition[] = [];
  if (session.Development) {
    shown.push({
      id: "development",
      type: "warning",
      content:
        "Development mode: this server asks nobody who they are, and whoever reaches it may do everything. " +
        "Give it credentials before it holds anything that matters.",
    });
  }
  if (session.InsecureTransport) {
    shown.push({
      id: "insecure",
      type: "warning",
      content:
        "This page came over plain http: whoever is on the way can read and take over the session. " +
        "Open the console over https.",
    });
  }
  return shown;
}

function Frame() {
  const { segments } = useLocation();
  const notifications = useNotifications();
  const session = useSession();
  const found = findPage(segments);
  const title = found?.page.title(found.parameters) ?? "Not found";

  useEffect(() => {
    if (segments.length === 0) replaceAddress(home);
  }, [segments]);

  useEffect(() => {
    document.title = `${title} - Millrace`;
  }, [title]);

  return (
    <AppLayout
      headerSelector="#top-bar"
      toolsHide
      navigation={
        <SideNavigation
          header={{ text: "Queues and messages", href: home }}
          items={navigationItems()}
          activeHref={activeHref(found?.page)}
          onFollow={follow}
        />
      }
      breadcrumbs={
        <BreadcrumbGroup
          items={[
            { text: "Millrace", href: home },
            ...(found?.page.parents ?? []),
            { text: title, href: window.location.hash },
          ]}
          onFollow={follow}
        />
      }
      notifications={<Flashbar items={[...notifications, ...banners(session)]} stackItems />}
      content={
        found ? (
          <Lazily
            // Another queue is another page: nothing chosen or half typed goes over from one to the next.
            key={`${found.page.pattern} ${found.parameters.name ?? ""}`}
            load={found.page.load}
            properties={{ parameters: found.parameters }}
          />
        ) : segments.length === 0 ? (
          <Loading />
        ) : (
          <NotFound home={() => navigate(home)} />
        )
      }
    />
  );
}

function Content() {
  const state = useSessionState();
  if (state.status === "unknown") return <Loading what="Asking the server who is signed in" />;
  if (state.status === "unreachable") {
    return <Failure what="The console cannot start" error={state.error} retry={() => void loadSession()} />;
  }
  if (state.status === "signedOut" && !state.previous) return <SignInPage facts={state.facts} />;
  return (
    <>
      <Frame />
      {state.status === "signedOut" ? <SignInAgain facts={state.facts} /> : <GlobalSearch />}
    </>
  );
}

export function App() {
  return (
    <I18nProvider locale="en" messages={[messages]}>
      <QueryClientProvider client={queryClient}>
        <div id="top-bar">
          <TopBar />
        </div>
        <Content />
      </QueryClientProvider>
    </I18nProvider>
  );
}
