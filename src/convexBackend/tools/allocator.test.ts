import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { COLUMNS, fitsBoard, type Region, release, reserveBeside, reserveFlow, ROWS } from "./allocator.ts";

const wanted = (width: number, height: number, n = 0) => ({ width, height, regionId: `r${n}`, groupId: "g" });
const size = fc.record({ width: fc.integer({ min: 0, max: 1_200 }), height: fc.integer({ min: 0, max: 2_000 }) });

const overlaps = (a: Region, b: Region): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

test("regions never overlap and never leave the board", () => {
  fc.assert(
    fc.property(fc.array(size, { maxLength: 30 }), (sizes) => {
      const regions: Region[] = [];
      for (const [n, { width, height }] of sizes.entries()) {
        const region = reserveFlow(regions, wanted(width, height, n));
        if (!region) continue;
        assert.ok(region.x >= 0 && region.x + region.width <= COLUMNS * 220);
        assert.ok(region.y >= 0 && region.y + region.height <= ROWS * 140);
        assert.ok(region.width >= width && region.height >= height);
        assert.ok(regions.every((other) => !overlaps(other, region)));
        regions.push(region);
      }
    }),
  );
});

test("the first free block in row-major order is taken, and a freed one is found again", () => {
  let regions: Region[] = [];
  for (let n = 0; n < 5; n += 1) {
    const region = reserveFlow(regions, wanted(220, 140, n));
    assert.ok(region);
    assert.deepEqual([region.x, region.y], [(n % 4) * 220, Math.floor(n / 4) * 140]);
    regions.push(region);
  }
  regions = release(regions, "r2");
  const again = reserveFlow(regions, wanted(100, 100, 9));
  assert.deepEqual(again && [again.x, again.y], [440, 0]);
});

test("a size larger than the board has no place", () => {
  assert.equal(fitsBoard(881, 100), false);
  assert.equal(fitsBoard(880, 1_680), true);
  assert.equal(reserveFlow([], wanted(881, 10)), null);
});

test("beside an anchor: the column right of it row by row, or the row under it column by column", () => {
  const anchor = { x: 10, y: 10, width: 200, height: 270 };
  const right = reserveBeside([], wanted(220, 140), anchor, "right-of");
  assert.deepEqual(right && [right.x, right.y], [220, 0]);
  assert.ok(right);
  const second = reserveBeside([right], wanted(220, 140), anchor, "right-of");
  assert.deepEqual(second && [second.x, second.y], [220, 140]);
  const below = reserveBeside([], wanted(220, 140), anchor, "below");
  assert.deepEqual(below && [below.x, below.y], [0, 280]);
  assert.equal(reserveBeside([], wanted(880, 140), anchor, "right-of"), null);
});
