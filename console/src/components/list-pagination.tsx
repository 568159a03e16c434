// The pager of a list that is all in the page.

import Pagination from "@cloudscape-design/components/pagination";

interface ListPaginationProps {
  page: number;
  rows: number;
  rowsPerPage: number;
  of: string; // "queues"
  onChange: (page: number) => void;
}

export function ListPagination({ page, rows, rowsPerPage, of, onChange }: ListPaginationProps) {
  const pages = Math.max(1, Math.ceil(rows / rowsPerPage));
  return (
    <Pagination
      currentPageIndex={Math.min(page, pages)}
      pagesCount={pages}
      onChange={({ detail }) => onChange(detail.currentPageIndex)}
      ariaLabels={{
        nextPageLabel: `Next ${of}`,
        previousPageLabel: `Previous ${of}`,
        pageLabel: (number) => `Page ${number} of the ${of}`,
      }}
    />
  );
}
