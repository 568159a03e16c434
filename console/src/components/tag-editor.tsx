// Keys and values of tags, a row each, with the bounds of SQS checked while they are typed.

import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Input from "@cloudscape-design/components/input";

export interface Tag {
  key: string;
  value: string;
}

export const tagsMax = 50;
const keyLengthMax = 128;
const valueLengthMax = 256;

export function tagKeyProblem(tag: Tag, all: Tag[]): string | undefined {
  if (tag.key === "") return "Enter a key, or remove the row.";
  if (tag.key.length > keyLengthMax) return `A key has at most ${keyLengthMax} characters.`;
  if (tag.key.toLowerCase().startsWith("aws:")) return "Keys that begin with aws: are reserved.";
  if (all.filter((other) => other.key === tag.key).length > 1) return "This key is there twice.";
  return undefined;
}

export function tagValueProblem(tag: Tag): string | undefined {
  return tag.value.length > valueLengthMax ? `A value has at most ${valueLengthMax} characters.` : undefined;
}

export function tagsAreGood(tags: Tag[]): boolean {
  return tags.length <= tagsMax && tags.every((tag) => !tagKeyProblem(tag, tags) && !tagValueProblem(tag));
}

export function toTags(record: Record<string, string>): Tag[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}

export function toTagRecord(tags: Tag[]): Record<string, string> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

export function TagEditor({
  tags,
  change,
  disabled,
}: {
  tags: Tag[];
  change: (tags: Tag[]) => void;
  disabled?: boolean;
}) {
  const set = (index: number, part: Partial<Tag>) =>
    change(tags.map((tag, at) => (at === index ? { ...tag, ...part } : tag)));
  return (
    <AttributeEditor
      items={tags}
      addButtonText="Add tag"
      removeButtonText="Remove"
      removeButtonAriaLabel={(tag) => `Remove the tag ${tag.key}`}
      empty="No tags."
      disableAddButton={disabled || tags.length >= tagsMax}
      additionalInfo={tags.length >= tagsMax ? `A queue has at most ${tagsMax} tags.` : undefined}
      onAddButtonClick={() => change([...tags, { key: "", value: "" }])}
      onRemoveButtonClick={({ detail }) => change(tags.filter((_tag, at) => at !== detail.itemIndex))}
      isItemRemovable={() => !disabled}
      definition={[
        {
          label: "Key",
          errorText: (tag) => tagKeyProblem(tag, tags),
          control: (tag, index) => (
            <Input
              value={tag.key}
              disabled={disabled}
              ariaLabel={`Key of tag ${index + 1}`}
              onChange={({ detail }) => set(index, { key: detail.value })}
            />
          ),
        },
        {
          label: "Value",
          errorText: tagValueProblem,
          control: (tag, index) => (
            <Input
              value={tag.value}
              disabled={disabled}
              ariaLabel={`Value of tag ${index + 1}`}
              onChange={({ detail }) => set(index, { value: detail.value })}
            />
          ),
        },
      ]}
    />
  );
}
