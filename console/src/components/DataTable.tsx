import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useDeferredValue, useEffect, useState, type ReactNode } from "react";
import { useQueryValue } from "../lib/router";

export interface Column<T> {
  id: string;
  header: string;
  cell: (item: T) => ReactNode;
  /** What is sorted and filtered by; null is last. */
  value?: (item: T) => string | number | null;
  width?: number;
  isRowHeader?: boolean;
}

interface Props<T> {
  title: string;
  items: readonly T[];
  columns: Column<T>[];
  rowKey: (item: T) => string;
  empty: string;
  description?: string;
  actions?: ReactNode;
  filters?: ReactNode;
  sortBy?: string;
  /** Name of the filter in the page's address; must differ between tables of one page. */
  name?: string;
  selected?: T[];
  onSelect?: (items: T[]) => void;
  loading?: boolean;
  footer?: ReactNode;
}

const PAGE_SIZE = 50;

/** A table that sorts, filters and pages over everything in memory: Cloudscape draws every row that it is given. */
export function DataTable<T>(props: Props<T>) {
  const { columns, items, name = "q" } = props;
  const [kept, keep] = useQueryValue(name);
  const [text, setText] = useState(kept);
  const wanted = useDeferredValue(text);
  useEffect(() => {
    const timer = window.setTimeout(() => wanted !== kept && keep(wanted), 300);
    return () => window.clearTimeout(timer);
  }, [wanted]); // eslint-disable-line react-hooks/exhaustive-deps -- only typing writes the address
  const sorted = columns.find((column) => column.id === props.sortBy);
  const collection = useCollection(items, {
    filtering: { filteringFunction: (item) => matches(columns, item, wanted), noMatch: <Empty>No match</Empty>, empty: <Empty>{props.empty}</Empty> },
    pagination: { pageSize: PAGE_SIZE },
    sorting: sorted ? { defaultState: { sortingColumn: definition(sorted) } } : {},
  });
  const { filteredItemsCount = items.length } = collection;
  const noun = filteredItemsCount === 1 ? "match" : "matches";
  useEffect(() => collection.actions.setFiltering(wanted), [wanted]); // eslint-disable-line react-hooks/exhaustive-deps
  return (
    <Table<T>
      {...collection.collectionProps}
      items={collection.items}
      columnDefinitions={columns.map(definition)}
      trackBy={props.rowKey}
      variant="container"
      wrapLines
      cellVerticalAlign="top"
      loading={props.loading ?? false}
      loadingText="Loading"
      {...(props.onSelect
        ? {
            selectionType: "single" as const,
            selectedItems: props.selected ?? [],
            onSelectionChange: ({ detail }) => props.onSelect!(detail.selectedItems),
            ariaLabels: {
              selectionGroupLabel: `Selection of ${props.title}`,
              itemSelectionLabel: (_data, item) => `Select ${props.rowKey(item)}`,
              tableLabel: props.title,
            },
          }
        : { ariaLabels: { tableLabel: props.title } })}
      header={
        <Header variant="h2" counter={`(${items.length})`} description={props.description} actions={props.actions}>
          {props.title}
        </Header>
      }
      filter={
        <div style={{ display: "flex", flexWrap: "wrap", gap: 8 }}>
          <TextFilter
            filteringText={text}
            filteringAriaLabel={`Filter ${props.title}`}
            filteringPlaceholder="Filter"
            countText={wanted ? `${filteredItemsCount} ${noun}` : ""}
            onChange={({ detail }) => setText(detail.filteringText)}
          />
          {props.filters}
        </div>
      }
      pagination={
        items.length > PAGE_SIZE ? (
          <Pagination
            {...collection.paginationProps}
            ariaLabels={{
              nextPageLabel: "Next page",
              previousPageLabel: "Previous page",
              pageLabel: (page) => `Page ${page}`,
            }}
          />
        ) : undefined
      }
      footer={props.footer}
    />
  );
}

function Empty({ children }: { children: ReactNode }) {
  return (
    <Box textAlign="center" color="text-body-secondary" padding="m">
      {children}
    </Box>
  );
}

function matches<T>(columns: Column<T>[], item: T, text: string): boolean {
  if (!text) return true;
  const wanted = text.toLowerCase();
  return columns.some((column) => String(column.value?.(item) ?? "").toLowerCase().includes(wanted));
}

function definition<T>(column: Column<T>): TableProps.ColumnDefinition<T> {
  const { value } = column;
  return {
    id: column.id,
    header: column.header,
    cell: column.cell,
    isRowHeader: column.isRowHeader ?? false,
    ...(column.width ? { minWidth: column.width } : {}),
    ...(value ? { sortingField: column.id, sortingComparator: (a: T, b: T) => compare(value(a), value(b)) } : {}),
  };
}

function compare(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [one, other] = [String(a), String(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}
