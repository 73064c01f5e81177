// Boxes on a board (contract services.md §12): closed intervals, results in insertion order.
type Box = readonly [left: number, top: number, right: number, bottom: number];

export interface SpatialIndex {
  add(id: string, x: number, y: number, width?: number, height?: number): void;
  remove(id: string): void;
  clear(): void;
  /** Ids whose box touches the given one. */
  query(x: number, y: number, width: number, height: number): string[];
}

export function createSpatialIndex(): SpatialIndex {
  const boxes = new Map<string, Box>();
  return {
    add: (id, x, y, width = 0, height = 0) => void boxes.set(id, [x, y, x + width, y + height]),
    remove: (id) => void boxes.delete(id),
    clear: () => boxes.clear(),
    query(x, y, width, height) {
      const [right, bottom] = [x + width, y + height];
      return [...boxes]
        .filter(([, box]) => box[0] <= right && x <= box[2] && box[1] <= bottom && y <= box[3])
        .map(([id]) => id);
    },
  };
}
