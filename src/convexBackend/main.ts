// Process entry of the candidate service. Exit codes: 2 faults, 3 configuration, 4 port in use.
import { type Config, ConfigurationError, loadConfig } from "./config.ts";
import { type ConvexClients, createConvexClients } from "./convexClients.ts";
import { FaultSyntaxError, parseFaults } from "./faults/parse.ts";
import { createLog, type Log } from "./log.ts";
import { createServiceTokens } from "./serviceTokens.ts";
import { createService } from "./service.ts";
import { SigningKeyError, signingKeysIn } from "./signingKey.ts";

function leave(code: number, sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
}

function configuration(): Config {
  try {
    const config = loadConfig(process.env);
    parseFaults(config.faults);
    return config;
  } catch (error) {
    if (error instanceof ConfigurationError) leave(3, `candidate: ${error.message}`);
    if (error instanceof FaultSyntaxError) leave(2, `candidate: FAULTS: ${error.message}.`);
    throw error;
  }
}

function clientsOf({ convexUrl, serviceIdentity }: Config, log: Log): ConvexClients {
  const { issuer, audience, signingKeys, keyDir } = serviceIdentity;
  try {
    const tokens = createServiceTokens({ keys: signingKeys ?? signingKeysIn(keyDir), issuer, audience });
    return createConvexClients({ url: convexUrl, tokens, log });
  } catch (error) {
    if (error instanceof SigningKeyError) leave(3, `candidate: ${error.message}.`);
    throw error;
  }
}

async function main(): Promise<void> {
  const config = configuration();
  const log = createLog();
  const service = createService(config, clientsOf(config, log), log);
  let isLeaving = false;
  const stop = (): void => {
    if (isLeaving) return;
    isLeaving = true;
    service.stop().then(
      () => process.exit(0),
      () => process.exit(70),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  let port: number;
  try {
    port = await service.listen();
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (!isTaken) throw error;
    leave(4, `candidate: ${config.host}:${config.port} is in use; set PORT to a free one.`);
  }
  log.info("listening", { arm: "candidate", host: config.host, port });
}

await main();
