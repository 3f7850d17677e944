import Button from "@cloudscape-design/components/button";
import Select from "@cloudscape-design/components/select";

interface Props {
  title: string;
  columns: readonly { id: string; header: string }[];
  /** The column that is sorted by; null while rows stand as the API lists them. */
  column: string | null;
  descending: boolean;
  onChange: (column: string, descending: boolean) => void;
}

/** What cards are sorted by: they have no heads of columns to press. */
export function SortChoice({ title, columns, column, descending, onChange }: Props) {
  const options = columns.map(({ id, header }) => ({ value: id, label: `Sorted by ${header.toLowerCase()}` }));
  return (
    <div className="wb-sort">
      <Select
        ariaLabel={`Sort ${title} by`}
        placeholder="Sorted as listed"
        selectedOption={options.find(({ value }) => value === column) ?? null}
        options={options}
        onChange={({ detail }) => onChange(detail.selectedOption.value!, descending)}
      />
      <Button
        iconName={descending ? "caret-down-filled" : "caret-up-filled"}
        ariaLabel={descending ? `Sort ${title} upwards` : `Sort ${title} downwards`}
        disabled={column === null}
        onClick={() => column !== null && onChange(column, !descending)}
      />
    </div>
  );
}
