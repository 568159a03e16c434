// Views of the list of queues that were given a name, kept in this browser.

import ButtonDropdown, { type ButtonDropdownProps } from "@cloudscape-design/components/button-dropdown";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { Confirm } from "../../components/confirm";
import { changeSettings, useSettings } from "../../lib/settings";
import { type View, viewOf, viewText } from "./view";

export function SavedViews({ view, show }: { view: View; show: (view: View) => void }) {
  const { views } = useSettings();
  const [naming, setNaming] = useState(false);
  const query = viewText(view);
  const current = views.find((one) => one.query === query);

  const items: ButtonDropdownProps.ItemOrGroup[] = [
    { id: "save", text: "Save this view", disabled: current !== undefined },
    { id: "remove", text: current ? `Remove the view ${current.name}` : "Remove the view", disabled: !current },
  ];
  if (views.length > 0) {
    items.unshift({
      text: "Saved views",
      items: views.map(({ name }, index) => ({
        id: String(index),
        text: name,
        itemType: "checkbox" as const,
        checked: name === current?.name,
      })),
    });
  }

  return (
    <>
      <ButtonDropdown
        items={items}
        ariaLabel={current ? `Views: ${current.name}` : "Views"}
        onItemClick={({ detail }) => {
          const chosen = views[Number(detail.id)];
          if (detail.id === "save") setNaming(true);
          else if (detail.id === "remove") changeSettings({ views: views.filter((one) => one !== current) });
          else if (chosen) show(viewOf(new URLSearchParams(chosen.query)));
        }}
      >
        {current?.name ?? "Views"}
      </ButtonDropdown>
      {naming && <SaveView query={query} close={() => setNaming(false)} />}
    </>
  );
}

function SaveView({ query, close }: { query: string; close: () => void }) {
  const { views } = useSettings();
  const [text, setText] = useState("");
  const name = text.trim();
  const taken = views.some((one) => one.name === name);

  async function save() {
    const others = views.filter((one) => one.name !== name);
    changeSettings({ views: [...others, { name, query }].sort((one, other) => one.name.localeCompare(other.name)) });
  }

  return (
    <Confirm header="Save this view" verb="Save" ready={name !== ""} act={save} close={close}>
      <FormField
        label="Name of the view"
        description="The filter and the order of the list, kept in this browser."
        constraintText={taken ? "A view of this name is there already; it will show this from now on." : undefined}
      >
        <Input value={text} onChange={({ detail }) => setText(detail.value)} autoFocus autoComplete={false} />
      </FormField>
    </Confirm>
  );
}
