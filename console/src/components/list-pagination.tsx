// The pager of a list that is all in the page.

import Pagination from "@cloudscape-design/components/pagination";
import { type ReactNode, useState } from "react";

/**
 * The rows of the page that is shown, and the pager.
 * @param list names what is listed: another list begins with its first page.
 * @param what the rows are: "queues".
 */
export function useListPages<Row>(
  list: string,
  what: string,
  rows: readonly Row[],
  rowsPerPage: number,
): { shown: readonly Row[]; pagination: ReactNode } {
  const [place, setPlace] = useState({ list, page: 1 });
  const pages = Math.max(1, Math.ceil(rows.length / rowsPerPage));
  const page = place.list === list ? Math.min(place.page, pages) : 1;
  return {
    shown: rows.slice((page - 1) * rowsPerPage, page * rowsPerPage),
    pagination: (
      <Pagination
        currentPageIndex={page}
        pagesCount={pages}
        onChange={({ detail }) => setPlace({ list, page: detail.currentPageIndex })}
        ariaLabels={{
          nextPageLabel: `Next ${what}`,
          previousPageLabel: `Previous ${what}`,
          pageLabel: (number) => `Page ${number} of the ${what}`,
        }}
      />
    ),
  };
}
