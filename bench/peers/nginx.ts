import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../lib/programs.ts";
import { answers, withFreePorts } from "../lib/ports.ts";
import { type Running, start } from "../lib/process.ts";
import { ANSWER, BUILD, BUILD_PATH, COUNT_PATH } from "../rest/answer.ts";

/** As root its worker would become another user, who may not write into our folder. */
const user = (): string => (process.getuid?.() === 0 ? "user root;" : "");

const configuration = (dir: string, servers: string): string => `
daemon off;
${user()}
worker_processes 1;
pid ${dir}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  default_type application/json;
  keepalive_timeout 65s;
  keepalive_requests 1000000000;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${dir}/${kind};`).join(" ")}
  map $http_upgrade $connection_out { default upgrade; "" ""; }
  ${servers}
}
`;

const proxyServer =
  (target: string) =>
  ([port]: readonly number[]): string =>
    `
  upstream origin { server ${new URL(target).host}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_out;
    }
  }`;

/** Every call once more to `shadow`, whose answer is thrown away, as the module's own manual has it (ngx_http_mirror_module). */
const mirroringServer =
  (target: string, shadow: string) =>
  ([port]: readonly number[]): string =>
    `
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      mirror /mirror;
      proxy_pass ${target};
      proxy_set_header Host $http_host;
    }
    location = /mirror {
      internal;
      proxy_pass ${shadow}$request_uri;
      proxy_set_header Host $http_host;
    }
  }`;

/** The same, tuned: connections to both are kept. */
const keepingMirroringServer =
  (target: string, shadow: string) =>
  ([port]: readonly number[]): string =>
    `
  upstream origin { server ${new URL(target).host}; keepalive 512; keepalive_requests 1000000000; }
  upstream shadow { server ${new URL(shadow).host}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      mirror /mirror;
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }
    location = /mirror {
      internal;
      proxy_pass http://shadow$request_uri;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }
  }`;

const answeringServer = ([port, otherPort]: readonly number[]): string => `
  server {
    listen 127.0.0.1:${port} backlog=4096;
    listen 127.0.0.1:${otherPort} backlog=4096;
    location / { return 200 '${ANSWER}'; }
    location = ${COUNT_PATH} { stub_status; }
    location = ${BUILD_PATH} { return 200 '${BUILD}'; }
  }`;

async function startNginx(
  name: string,
  dir: string,
  servers: (ports: readonly number[]) => string,
): Promise<(Running & { ports: readonly number[] }) | null> {
  const command = findProgram("nginx");
  if (command === null) return null;
  const own = join(dir, name);
  mkdirSync(own, { recursive: true });
  return withFreePorts(2, async (ports) => {
    const file = join(own, "nginx.conf");
    writeFileSync(file, configuration(own, servers(ports)));
    const args = ["-p", own, "-c", file];
    const isUp = async () => ((await answers(`http://127.0.0.1:${ports[0]}/`)) ? true : null);
    return { ...(await start({ name, command, args, dir: own }, isUp)), ports };
  });
}

/** nginx with one worker and kept connections both ways, for calls and sockets. Null when it is not installed. */
export const startNginxProxy = (dir: string, target: string) => startNginx("nginx", dir, proxyServer(target));

/** nginx answering the fixed answer on two ports, one for each arm; by far the cheapest upstream. */
export const startNginxUpstream = (dir: string, name = "upstream-nginx") => startNginx(name, dir, answeringServer);

/** nginx that mirrors, and compares nothing. Null when it is not installed. */
export const startNginxMirror = (dir: string, target: string, shadow: string) =>
  startNginx("nginx-mirror", dir, mirroringServer(target, shadow));

/** The same with kept connections, as performance.md's own figure was not taken. */
export const startKeepingNginxMirror = (dir: string, target: string, shadow: string) =>
  startNginx("nginx-mirror-kept", dir, keepingMirroringServer(target, shadow));
