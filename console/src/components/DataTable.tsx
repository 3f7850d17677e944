import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Cards from "@cloudscape-design/components/cards";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useDeferredValue, useEffect, useState, type ReactNode } from "react";
import { useNarrow } from "../lib/narrow";
import { useQueryValue } from "../lib/router";
import { SortChoice } from "./SortChoice";

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
  description?: ReactNode;
  actions?: ReactNode;
  filters?: ReactNode;
  /** Whether the page has this title already; then what it does stands beside its filters. */
  titled?: boolean;
  /** Name of the filter in the page's address, and of sorting and page after it; must differ between tables of one page. */
  name?: string;
  selected?: T[];
  onSelect?: (items: T[]) => void;
  loading?: boolean;
  footer?: ReactNode;
}

const PAGE_SIZE = 50;
/** Columns as wide as this have a line of their own on a card. */
const WIDE = 180;

/** A table that sorts, filters and pages over everything in memory: Cloudscape draws every row that it is given. */
export function DataTable<T>(props: Props<T>) {
  const { columns, items, name = "q" } = props;
  const narrow = useNarrow();
  const [kept, keep] = useQueryValue(name);
  const [sorting, keepSorting] = useQueryValue(`${name}.sort`);
  const [page, keepPage] = useQueryValue(`${name}.page`, "1");
  const [text, setText] = useState(kept);
  const wanted = useDeferredValue(text);
  useEffect(() => {
    const timer = window.setTimeout(() => {
      if (wanted === kept) return;
      keep(wanted);
      keepPage("1");
    }, 300);
    return () => window.clearTimeout(timer);
  }, [wanted]); // eslint-disable-line react-hooks/exhaustive-deps -- only typing writes the address
  const sorted = columns.find((column) => column.id === sorting.replace(/^-/, ""));
  const collection = useCollection(items, {
    filtering: {
      filteringFunction: (item) => matches(columns, item, wanted),
      defaultFilteringText: wanted,
      noMatch: <Empty>No match</Empty>,
      empty: <Empty>{props.empty}</Empty>,
    },
    pagination: { pageSize: PAGE_SIZE, defaultPage: Math.max(1, Number(page) || 1), allowPageOutOfRange: items.length === 0 },
    sorting: sorted ? { defaultState: { sortingColumn: definition(sorted), isDescending: sorting.startsWith("-") } } : {},
  });
  const { filteredItemsCount = items.length, collectionProps, paginationProps } = collection;
  useEffect(() => {
    if (collection.filterProps.filteringText !== wanted) collection.actions.setFiltering(wanted);
  }, [wanted]); // eslint-disable-line react-hooks/exhaustive-deps
  const { sortingColumn, sortingDescending = false } = collectionProps;
  const keepOrder = (column: string, descending: boolean) => {
    keepSorting(`${descending ? "-" : ""}${column}`);
    keepPage("1");
  };
  const choice = narrow && items.length > 1 && (
    <SortChoice
      title={props.title}
      columns={columns.filter((column) => column.value)}
      column={sortingColumn?.sortingField ?? null}
      descending={sortingDescending}
      onChange={(id, isDescending) => {
        collection.actions.setSorting({ sortingColumn: definition(columns.find((column) => column.id === id)!), isDescending });
        keepOrder(id, isDescending);
      }}
    />
  );
  const selection = props.onSelect
    ? {
        selectionType: "single" as const,
        selectedItems: props.selected ?? [],
        onSelectionChange: ({ detail }: { detail: { selectedItems: T[] } }) => props.onSelect!(detail.selectedItems),
      }
    : {};
  const labels = {
    tableLabel: props.title,
    cardsLabel: props.title,
    selectionGroupLabel: `Selection of ${props.title}`,
    itemSelectionLabel: (_data: unknown, item: T) => `Select ${props.rowKey(item)}`,
  };
  const shared = {
    items: collection.items,
    trackBy: props.rowKey,
    variant: "container" as const,
    loading: props.loading ?? false,
    loadingText: "Loading",
    empty: collectionProps.empty,
    ariaLabels: labels,
    ...selection,
    header: props.titled ? undefined : (
      <Header variant="h2" counter={`(${items.length})`} description={props.description} actions={props.actions}>
        {props.title}
      </Header>
    ),
    filter: (
      <div className="wb-spread">
        <div className="wb-filters">
          <TextFilter
            filteringText={text}
            filteringAriaLabel={`Filter ${props.title}`}
            filteringPlaceholder="Filter"
            countText={wanted ? `${filteredItemsCount} ${filteredItemsCount === 1 ? "match" : "matches"}` : ""}
            onChange={({ detail }) => setText(detail.filteringText)}
          />
          {props.filters}
          {choice}
        </div>
        {props.titled && props.actions}
      </div>
    ),
    pagination:
      items.length > PAGE_SIZE ? (
        <div className="wb-pages">
          <Pagination
            {...paginationProps}
            onChange={(event) => {
              paginationProps.onChange(event);
              keepPage(String(event.detail.currentPageIndex));
            }}
            ariaLabels={{ nextPageLabel: "Next page", previousPageLabel: "Previous page", pageLabel: (number) => `Page ${number}` }}
          />
        </div>
      ) : undefined,
  };
  if (narrow) {
    const [head = columns[0]!] = columns.filter((column) => column.isRowHeader);
    return (
      <>
        <Cards<T>
          {...shared}
          cardDefinition={{
            header: head.cell,
            sections: [{ id: "fields", content: (item) => <Fields columns={columns.filter((column) => column !== head)} item={item} /> }],
          }}
        />
        {props.footer}
      </>
    );
  }
  return (
    <Table<T>
      {...shared}
      {...(sortingColumn ? { sortingColumn, sortingDescending } : {})}
      onSortingChange={(event) => {
        collectionProps.onSortingChange?.(event);
        keepOrder(event.detail.sortingColumn.sortingField ?? "", event.detail.isDescending ?? false);
      }}
      columnDefinitions={columns.map(definition)}
      wrapLines
      cellVerticalAlign="top"
      footer={props.footer}
    />
  );
}

/** What a card says below its head. */
function Fields<T>({ columns, item }: { columns: readonly Column<T>[]; item: T }) {
  return (
    <dl className="wb-fields">
      {columns.map(({ id, header, cell, width = 0 }) => (
        <div key={id} className={width < WIDE ? undefined : "wb-whole"}>
          <dt>
            <Box variant="awsui-key-label">{header}</Box>
          </dt>
          <dd>{cell(item)}</dd>
        </div>
      ))}
    </dl>
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
