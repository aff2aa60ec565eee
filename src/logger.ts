/** The logger that the store takes: pino-shaped, silent by default. Facts first, then one sentence. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

const nothing = (): void => {};

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Passes on to the program's logger, which can't stop the store: what it throws concerns nobody here. */
export const guardLogger = (logger: Logger): Logger => {
  const guard =
    (level: keyof Logger) =>
    (facts: object, message: string): void => {
      try {
        logger[level](facts, message);
      } catch {
        // As said above.
      }
    };
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') };
};
