// Lines of a stream of bytes, each put together once: a board makes a line of many MiB, in thousands of pieces.

export interface Line {
  readonly text: string;
  /** Its beginning only: it is longer than may be. */
  readonly isCut: boolean;
}

const NEWLINE = 10;
const HEAD_BYTES = 4_096;

/** The last line may lack its end; empty ones are left out. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Line> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let isCut = false;
  const take = (piece: Uint8Array): void => {
    bytes += piece.length;
    if (!isCut) pieces.push(piece);
    if (bytes <= bytesMax || isCut) return;
    isCut = true;
    pieces = [Buffer.concat(pieces).subarray(0, HEAD_BYTES)];
  };
  const ended = (): Line => {
    const line = { text: Buffer.concat(pieces).toString(), isCut };
    [pieces, bytes, isCut] = [[], 0, false];
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, end));
      from = end + 1;
      if (bytes > 0) yield ended();
    }
    take(chunk.subarray(from));
  }
  if (bytes > 0) yield ended();
}
