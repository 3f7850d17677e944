import { layout } from "../lib/graph";
import { short, visible } from "../lib/text";
import { PAUSE } from "./Status";

export interface GraphNode {
  name: string;
  dependsOn: string[];
  label: string;
  note: string;
  icon?: string;
  state: string;
  color: string;
}

/** The mark of a pause, drawn. */
const BARS = "M10 28h3v10h-3zM16 28h3v10h-3z";
const [WIDTH, HEIGHT, GAP_X, GAP_Y] = [200, 64, 56, 20];

/** The waves as a graph, drawn from left to right in the order in which they can run. */
export function WaveGraph({ nodes, label }: { nodes: GraphNode[]; label: string }) {
  const placed = layout(nodes);
  const width = placed.columns * (WIDTH + GAP_X) - GAP_X + 8;
  const height = placed.rows * (HEIGHT + GAP_Y) - GAP_Y + 8;
  const at = (name: string) => {
    const node = placed.nodes.get(name)!;
    return { x: 4 + node.column * (WIDTH + GAP_X), y: 4 + node.row * (HEIGHT + GAP_Y) };
  };
  return (
    <div className="wb-scroll wb-high" tabIndex={0} role="region" aria-label={label}>
      <svg className="wb-graph" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={told(nodes)}>
        <defs>
          <marker id="wb-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
            <path d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {placed.arrows.map(([from, to]) => {
          const [a, b] = [at(from), at(to)];
          const [x1, y1, x2, y2] = [a.x + WIDTH, a.y + HEIGHT / 2, b.x - 2, b.y + HEIGHT / 2];
          const bend = Math.max(24, (x2 - x1) / 2);
          return <path key={`${from}>${to}`} d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`} markerEnd="url(#wb-arrow)" />;
        })}
        {nodes.map((node) => {
          const { x, y } = at(node.name);
          return (
            <g key={node.name} className={`wb-${node.color}`} transform={`translate(${x} ${y})`}>
              <title>{visible(`${node.label}: ${node.state}. ${node.note}`)}</title>
              <rect width={WIDTH} height={HEIGHT} rx="8" />
              <text x="10" y="20">
                {short(node.label, 26)}
              </text>
              {node.icon === PAUSE && <path className="wb-state" d={BARS} />}
              <text x={node.icon === PAUSE ? 24 : 10} y="38" className="wb-state">
                {node.icon && node.icon !== PAUSE ? `${node.icon} ${node.state}` : node.state}
              </text>
              <text x="10" y="55" className="wb-note">
                {short(node.note, 30)}
              </text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function told(nodes: GraphNode[]): string {
  const lines = nodes.map((node) => {
    const after = node.dependsOn.length ? ` after ${node.dependsOn.join(", ")}` : "";
    return `${node.label}${after}: ${node.state}`;
  });
  return visible(lines.slice(0, 80).join("; ")) || "No waves";
}
