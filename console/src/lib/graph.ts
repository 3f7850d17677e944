// Where the waves of a graph stand: a wave one column to the right of the last that it waits for, columns sorted so that
// arrows cross little.
export interface Node {
  name: string;
  dependsOn: string[];
}

export interface Placed {
  name: string;
  column: number;
  row: number;
}

export interface Layout {
  nodes: Map<string, Placed>;
  arrows: [string, string][];
  columns: number;
  rows: number;
}

export function layout(nodes: Node[]): Layout {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const columns = new Map<string, number>();
  const visiting = new Set<string>();
  const column = (name: string): number => {
    const known = columns.get(name);
    if (known !== undefined) return known;
    if (visiting.has(name)) return 0; // a circle, which the API refuses; a draft may have one
    visiting.add(name);
    const before = (byName.get(name)?.dependsOn ?? []).filter((other) => byName.has(other));
    const found = before.length === 0 ? 0 : 1 + Math.max(...before.map(column));
    visiting.delete(name);
    columns.set(name, found);
    return found;
  };
  nodes.forEach((node) => column(node.name));
  const grid: string[][] = [];
  for (const node of nodes) (grid[columns.get(node.name)!] ??= []).push(node.name);
  const rows = new Map<string, number>();
  Array.from(grid, (names) => names ?? []).forEach((names, at) => {
    const centre = (name: string) => {
      const before = (byName.get(name)?.dependsOn ?? []).map((other) => rows.get(other)).filter((row) => row !== undefined);
      return before.length ? before.reduce((sum, row) => sum + row, 0) / before.length : names.indexOf(name);
    };
    const sorted = at === 0 ? names : [...names].sort((one, other) => centre(one) - centre(other));
    sorted.forEach((name, row) => rows.set(name, row));
  });
  return {
    nodes: new Map(nodes.map((n) => [n.name, { name: n.name, column: columns.get(n.name)!, row: rows.get(n.name) ?? 0 }])),
    arrows: nodes.flatMap((n) => n.dependsOn.filter((o) => byName.has(o)).map((o): [string, string] => [o, n.name])),
    columns: Math.max(1, grid.length),
    rows: Math.max(1, ...Array.from(grid, (names) => names?.length ?? 0)),
  };
}

/** The waves of a plan with what they wait for, as the API reads it: without `dependsOn`, the wave listed before. */
export function planNodes(waves: { name: string; dependsOn?: string[] | null }[]): Node[] {
  return waves.map((wave, at) => ({
    name: wave.name,
    dependsOn: wave.dependsOn ?? (at > 0 ? [waves[at - 1]!.name] : []),
  }));
}
