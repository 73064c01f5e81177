// Places on the board (contract services.md §11): a grid of 4 × 12 cells of 220 × 140, first free block in row-major order.
export const CELL_WIDTH = 220;
export const CELL_HEIGHT = 140;
export const COLUMNS = 4;
export const ROWS = 12;

export interface Region {
  readonly regionId: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly groupId: string;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Cells {
  readonly column: number;
  readonly row: number;
  readonly columns: number;
  readonly rows: number;
}

const cellsOf = ({ x, y, width, height }: Box): Cells => ({
  column: Math.floor(x / CELL_WIDTH),
  row: Math.floor(y / CELL_HEIGHT),
  columns: Math.ceil(width / CELL_WIDTH),
  rows: Math.ceil(height / CELL_HEIGHT),
});

const blockSize = (width: number, height: number): { columns: number; rows: number } => ({
  columns: Math.max(1, Math.ceil(width / CELL_WIDTH)),
  rows: Math.max(1, Math.ceil(height / CELL_HEIGHT)),
});

export const fitsBoard = (width: number, height: number): boolean => {
  const { columns, rows } = blockSize(width, height);
  return columns <= COLUMNS && rows <= ROWS;
};

function isFree(regions: readonly Region[], block: Cells): boolean {
  if (block.column < 0 || block.row < 0) return false;
  if (block.column + block.columns > COLUMNS || block.row + block.rows > ROWS) return false;
  return regions
    .map(cellsOf)
    .every(
      (taken) =>
        taken.column >= block.column + block.columns ||
        block.column >= taken.column + taken.columns ||
        taken.row >= block.row + block.rows ||
        block.row >= taken.row + taken.rows,
    );
}

export interface Reservation {
  readonly width: number;
  readonly height: number;
  readonly regionId: string;
  readonly groupId: string;
}

function regionAt(block: Cells, { regionId, groupId }: Reservation): Region {
  const size = { width: block.columns * CELL_WIDTH, height: block.rows * CELL_HEIGHT };
  return { regionId, x: block.column * CELL_WIDTH, y: block.row * CELL_HEIGHT, ...size, groupId };
}

/** First free block in row-major order; null when none is free or the size exceeds the board. */
export function reserveFlow(regions: readonly Region[], wanted: Reservation): Region | null {
  const size = blockSize(wanted.width, wanted.height);
  for (let row = 0; row + size.rows <= ROWS; row += 1) {
    for (let column = 0; column + size.columns <= COLUMNS; column += 1) {
      const block = { column, row, ...size };
      if (isFree(regions, block)) return regionAt(block, wanted);
    }
  }
  return null;
}

export type Placement = "right-of" | "below";

/** A block beside an existing box: the column right of it for each of its rows, or the row under it for each of its columns. */
export function reserveBeside(
  regions: readonly Region[],
  wanted: Reservation,
  anchor: Box,
  placement: Placement,
): Region | null {
  const size = blockSize(wanted.width, wanted.height);
  const { column, row, columns, rows } = cellsOf(anchor);
  const isRight = placement === "right-of";
  const tries = isRight ? rows : columns;
  for (let i = 0; i < tries; i += 1) {
    const spot = isRight ? { column: column + columns, row: row + i } : { column: column + i, row: row + rows };
    const block = { ...spot, ...size };
    if (isFree(regions, block)) return regionAt(block, wanted);
  }
  return null;
}

export const release = (regions: readonly Region[], regionId: string): Region[] =>
  regions.filter((region) => region.regionId !== regionId);
