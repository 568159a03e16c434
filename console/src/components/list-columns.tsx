// The columns of a list as somebody wants them: which, in which order and how wide. The browser keeps it.

import CollectionPreferences, {
  type CollectionPreferencesProps,
} from "@cloudscape-design/components/collection-preferences";
import type { TableProps } from "@cloudscape-design/components/table";
import { changeSettings, useSettings } from "../lib/settings";

export interface ListColumn<Row> extends TableProps.ColumnDefinition<Row> {
  id: string;
  header: string;
  /** Shown only once somebody chooses it. */
  unusual?: boolean;
}

/** Properties of the table. */
type Columns<Row> = Pick<
  TableProps<Row>,
  "columnDefinitions" | "columnDisplay" | "onColumnWidthsChange" | "preferences" | "resizableColumns"
>;

interface PageSize {
  options: number[];
  /** What the rows are: "queues". */
  what: string;
}

/**
 * @param list the name under which the choice is kept.
 * @param columns the first of them cannot be hidden.
 * @param pageSize absent: the pages of this list are as long as they are.
 * @param changed is told when another choice was made.
 */
export function useListColumns<Row>(
  list: string,
  columns: readonly ListColumn<Row>[],
  pageSize?: PageSize,
  changed?: () => void,
): Columns<Row> {
  const settings = useSettings();
  const known = columns.map(({ id }) => id);
  const chosen = settings.columns[list]?.filter((id) => known.includes(id));
  const shown = chosen ?? columns.filter((column) => !column.unusual).map(({ id }) => id);
  const widths = settings.widths[list] ?? {};
  const display = [...shown, ...known.filter((id) => !shown.includes(id))].map((id) => ({
    id,
    visible: shown.includes(id),
  }));

  function keep({ contentDisplay, pageSize: rows }: CollectionPreferencesProps.Preferences) {
    const visible = contentDisplay?.filter((column) => column.visible).map(({ id }) => id);
    changeSettings({
      columns: { ...settings.columns, [list]: visible ?? shown },
      pageSize: rows ?? settings.pageSize,
    });
    changed?.();
  }

  return {
    columnDefinitions: columns.map((column) => ({ ...column, width: widths[column.id] ?? column.width })),
    columnDisplay: display,
    resizableColumns: true,
    onColumnWidthsChange: ({ detail }) => {
      const wide = Object.fromEntries(known.map((id, index) => [id, detail.widths[index] ?? 0]));
      changeSettings({ widths: { ...settings.widths, [list]: wide } });
    },
    preferences: (
      <CollectionPreferences
        title="Preferences"
        confirmLabel="Keep"
        cancelLabel="Cancel"
        preferences={{ pageSize: pageSize && settings.pageSize, contentDisplay: display }}
        pageSizePreference={
          pageSize && {
            title: "Rows on a page",
            options: pageSize.options.map((value) => ({ value, label: `${value} ${pageSize.what}` })),
          }
        }
        contentDisplayPreference={{
          title: "Columns",
          options: columns.map(({ id, header }, index) => ({ id, label: header, alwaysVisible: index === 0 })),
        }}
        onConfirm={({ detail }) => keep(detail)}
      />
    ),
  };
}
