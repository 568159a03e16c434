// A picture of queues and of the arrows to their dead-letter queues: links over arrows drawn as SVG.

import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { useId, useMemo, useRef } from "react";
import * as colors from "../lib/colors";
import { type Arrow, layOut, type Point } from "../lib/topology-layout";
import { useWidth } from "../lib/use-width";
import "./topology-graph.css";

export interface TopologyNode {
  name: string;
  href: string;
  status: StatusIndicatorProps.Type;
  statusText: string;
  detail: string;
}

export interface TopologyArrow extends Arrow {
  maxReceiveCount: number;
}

interface TopologyGraphProps {
  nodes: readonly TopologyNode[];
  arrows: readonly TopologyArrow[];
}

const nodeHeight = 66;
const phoneWidth = 500;

export function TopologyGraph({ nodes, arrows }: TopologyGraphProps) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const arrowHead = useId();

  const narrow = width < phoneWidth;
  const columnGap = narrow ? 76 : 120;
  // On a phone a queue and its dead-letter queue fit beside each other; longer chains are scrolled.
  const nodeWidth = narrow ? Math.max(110, (width - columnGap - 8) / 2) : 220;
  const names = nodes.map((node) => node.name).join("\n");
  const layout = useMemo(
    () => layOut(names.split("\n"), arrows, { nodeWidth, nodeHeight, columnGap, rowGap: 14, blockGap: 26 }),
    [names, arrows, nodeWidth, columnGap],
  );

  const placeOf = (name: string) => layout.places.get(name) ?? { x: 0, y: 0 };
  return (
    <div ref={frame}>
      {width > 0 && (
        <div className="topology-scroll" role="region" aria-label="Picture of the queues" tabIndex={0}>
          <div className="topology-graph" style={{ width: layout.width, height: layout.height + 2 }}>
            <svg width={layout.width} height={layout.height + 2} aria-hidden="true">
              <marker id={arrowHead} viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
                <path d="M0 0 L8 4 L0 8 Z" fill={colors.textSecondary} />
              </marker>
              {arrows.map((arrow) => {
                const { path, label } = curve(placeOf(arrow.source), placeOf(arrow.target), nodeWidth);
                return (
                  <g key={`${arrow.source} ${arrow.target}`}>
                    <path
                      d={path}
                      fill="none"
                      stroke={colors.textSecondary}
                      strokeWidth="1.5"
                      markerEnd={`url(#${arrowHead})`}
                    />
                    <text x={label.x} y={label.y} fontSize="12" fill={colors.textSecondary}>
                      {narrow ? `${arrow.maxReceiveCount}×` : `${arrow.maxReceiveCount} receives`}
                    </text>
                  </g>
                );
              })}
            </svg>
            {nodes.map((node) => {
              const { x, y } = placeOf(node.name);
              return (
                <a
                  key={node.name}
                  href={node.href}
                  title={node.name}
                  style={{
                    left: x,
                    top: y,
                    width: nodeWidth,
                    height: nodeHeight,
                    color: colors.text,
                    borderColor: colors.border,
                    outlineColor: colors.focus,
                    backgroundColor: colors.ground,
                  }}
                >
                  <strong style={{ color: colors.link }}>{node.name}</strong>
                  <StatusIndicator type={node.status}>{node.statusText}</StatusIndicator>
                  <small style={{ color: colors.textSecondary }}>{node.detail}</small>
                </a>
              );
            })}
          </div>
        </div>
      )}
    </div>
  );
}

// From the right side of the source to the left of the target. An arrow back, of queues that are each
// other's dead-letter queue, leaves below and arrives below.
function curve(source: Point, target: Point, nodeWidth: number): { path: string; label: Point } {
  if (target.x > source.x) {
    const start = { x: source.x + nodeWidth, y: source.y + nodeHeight / 2 };
    const end = { x: target.x - 2, y: target.y + nodeHeight / 2 };
    const middle = (start.x + end.x) / 2;
    return {
      path: `M${start.x} ${start.y} C${middle} ${start.y} ${middle} ${end.y} ${end.x} ${end.y}`,
      // Beside the arrow, on the side from which it turns away.
      label: { x: start.x + 5, y: end.y < start.y ? start.y + 15 : start.y - 5 },
    };
  }
  const start = { x: source.x + nodeWidth / 3, y: source.y + nodeHeight };
  const end = { x: target.x + (nodeWidth * 2) / 3, y: target.y + nodeHeight + 2 };
  const below = Math.max(start.y, end.y) + 14;
  return {
    path: `M${start.x} ${start.y} C${start.x} ${below} ${end.x} ${below} ${end.x} ${end.y}`,
    label: { x: (start.x + end.x) / 2, y: below },
  };
}
