// The attributes of a message that is being written, a row each.

import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Autosuggest from "@cloudscape-design/components/autosuggest";
import Input from "@cloudscape-design/components/input";
import {
  type AttributeDraft,
  attributeNameProblem,
  attributesMax,
  attributeTypeProblem,
  attributeValueProblem,
  kindOf,
} from "../../../lib/message-draft";

interface Properties {
  attributes: AttributeDraft[];
  change: (attributes: AttributeDraft[]) => void;
}

export function AttributeRows({ attributes, change }: Properties) {
  const set = (index: number, part: Partial<AttributeDraft>) =>
    change(attributes.map((attribute, at) => (at === index ? { ...attribute, ...part } : attribute)));
  return (
    <AttributeEditor
      items={attributes}
      addButtonText="Add attribute"
      removeButtonText="Remove"
      removeButtonAriaLabel={(attribute) => `Remove the attribute ${attribute.name}`}
      empty="No attributes."
      disableAddButton={attributes.length >= attributesMax}
      additionalInfo={
        attributes.length >= attributesMax ? `A message has at most ${attributesMax} attributes.` : undefined
      }
      onAddButtonClick={() => change([...attributes, { name: "", type: "String", value: "" }])}
      onRemoveButtonClick={({ detail }) => change(attributes.filter((_attribute, at) => at !== detail.itemIndex))}
      definition={[
        {
          label: "Name",
          errorText: (attribute) => attributeNameProblem(attribute, attributes),
          control: (attribute, index) => (
            <Input
              value={attribute.name}
              ariaLabel={`Name of attribute ${index + 1}`}
              onChange={({ detail }) => set(index, { name: detail.value })}
            />
          ),
        },
        {
          label: "Type",
          errorText: attributeTypeProblem,
          control: (attribute, index) => (
            <Autosuggest
              value={attribute.type}
              onChange={({ detail }) => set(index, { type: detail.value })}
              options={[{ value: "String" }, { value: "Number" }, { value: "Binary" }]}
              filteringType="manual"
              enteredTextLabel={(text) => `Use “${text}”`}
            />
          ),
        },
        {
          label: "Value",
          errorText: attributeValueProblem,
          control: (attribute, index) => (
            <Input
              value={attribute.value}
              ariaLabel={`Value of attribute ${index + 1}`}
              placeholder={kindOf(attribute.type) === "Binary" ? "Base64" : ""}
              onChange={({ detail }) => set(index, { value: detail.value })}
            />
          ),
        },
      ]}
    />
  );
}
