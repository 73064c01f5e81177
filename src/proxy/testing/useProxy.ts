import { after, beforeEach } from "node:test";
import { type FixtureOptions, type ProxyFixture, startProxy } from "./proxyFixture.ts";
import { OK, type RawOrigin, startRawOrigin } from "./rawOrigin.ts";

/** One proxy in front of one arm for a whole test file; before each test the arm answers OK and has seen nothing. */
export async function useProxy(
  options: Omit<FixtureOptions, "control"> = {},
): Promise<{ readonly origin: RawOrigin; readonly fixture: ProxyFixture }> {
  const origin = await startRawOrigin();
  const fixture = await startProxy({ ...options, control: origin.url });
  beforeEach(() => {
    origin.answer = () => OK;
    origin.forget();
  });
  after(async () => {
    fixture.stop();
    await origin.stop();
  });
  return { origin, fixture };
}
