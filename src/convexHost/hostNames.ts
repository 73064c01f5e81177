/** Whether a name, as `URL.hostname` gives it, leads to this machine: nobody else can answer for it. */
export function isLoopbackName(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/i.test(hostname);
}
