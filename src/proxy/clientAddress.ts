import { BlockList, isIP } from "node:net";

/** Finds the client's address: the peer, or behind trusted proxies the rightmost untrusted element (security H4). */
export type ClientAddress = (peer: string, forwardedFor: string | null) => string;

export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  if (trustedProxies.length === 0) return (peer) => plain(peer);
  const trusted = new BlockList();
  for (const range of trustedProxies) {
    const [address = "", prefix] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(prefix), family);
  }
  const isTrusted = (address: string): boolean => {
    const family = isIP(address);
    return family !== 0 && trusted.check(address, family === 6 ? "ipv6" : "ipv4");
  };
  return (peer, forwardedFor) => {
    let address = plain(peer);
    if (forwardedFor === null) return address;
    const elements = forwardedFor.split(",");
    for (let i = elements.length - 1; i >= 0 && isTrusted(address); i--) {
      const element = plain((elements[i] as string).trim());
      if (isIP(element) === 0) break; // not an address: whoever wrote it is not believed
      address = element;
    }
    return address;
  };
}

/** An IPv4 client on a dual-stack listener shows as `::ffff:a.b.c.d`; both spellings are one client. */
const plain = (address: string): string => (address.startsWith("::ffff:") ? address.slice(7) : address);
