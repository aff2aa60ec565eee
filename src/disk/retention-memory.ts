/**
 * RETENTION: how long the samples of a directory are kept. With it, an opening without the option does not delete
 * samples that an earlier opening was configured to keep. A directory without the file keeps everything.
 *
 * Without rules the file is `{"timeMs":1296000000,"bytes":"off"}`. With rules it has a version and no `timeMs`, so that
 * a program that knows no rules can't parse it and keeps everything:
 * `{"version":2,"defaultMs":1296000000,"bytes":"off","rules":[{"selector":"up","timeMs":86400000}]}`.
 */
import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { readFile, writeFileAtomically } from '../files/read-write.ts';
import { RetentionClasses, type RetentionRule, RULES_MAX } from '../model/retention-classes.ts';

export const RETENTION_FILE = 'RETENTION';

const VERSION_WITH_RULES = 2;
const FILE_BYTES_MAX = 1 << 20;
const OFF = 'off';

/** How long samples are kept, and how large the directory may get; Infinity for no limit. */
export interface RetentionLimits {
  /** For series that no rule matches. */
  readonly timeMs: number;
  readonly bytes: number;
  readonly rules: readonly RetentionRule[];
}

/** What is told of a damaged file: by `check`, and by an opening. */
export const RETENTION_DAMAGED = 'RETENTION is damaged and ignored; name the retention again, or everything is kept.';

export const KEEP_EVERYTHING: RetentionLimits = { timeMs: Infinity, bytes: Infinity, rules: [] };

/** The same limits, with the same rules in the same order. */
export const sameRetention = (a: RetentionLimits, b: RetentionLimits): boolean => contentOf(a) === contentOf(b);

/**
 * `'damaged'` when there is a file that can't be parsed; `'newer'` when a later version of Tidemark wrote it;
 * `undefined` when there is none.
 */
export const readRetention = (
  fileSystem: FileSystem,
  directory: string,
): RetentionLimits | 'damaged' | 'newer' | undefined => {
  const bytes = readFile(fileSystem, join(directory, RETENTION_FILE), FILE_BYTES_MAX);
  if (bytes === undefined) return undefined;
  try {
    return limitsOf(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    return 'damaged';
  }
};

/** Writes the file durably. Throws `TIDEMARK_IO` or `TIDEMARK_DISK_FULL`. */
export const writeRetention = (fileSystem: FileSystem, directory: string, limits: RetentionLimits): void => {
  try {
    writeFileAtomically(fileSystem, directory, RETENTION_FILE, Buffer.from(contentOf(limits)), 0o644);
  } catch (error) {
    throw ioError(error, 'write', join(directory, RETENTION_FILE));
  }
};

const contentOf = ({ timeMs, bytes, rules }: RetentionLimits): string => {
  const content =
    rules.length === 0
      ? { timeMs: shown(timeMs), bytes: shown(bytes) }
      : {
          version: VERSION_WITH_RULES,
          defaultMs: shown(timeMs),
          bytes: shown(bytes),
          rules: rules.map((rule) => ({ selector: rule.selector, timeMs: shown(rule.timeMs) })),
        };
  return `${JSON.stringify(content)}\n`;
};

interface Content {
  readonly version?: unknown;
  readonly timeMs?: unknown;
  readonly defaultMs?: unknown;
  readonly bytes?: unknown;
  readonly rules?: unknown;
}

const limitsOf = (content: Content | null): RetentionLimits | 'damaged' | 'newer' => {
  const version = content?.version ?? 1;
  if (typeof version === 'number' && version > VERSION_WITH_RULES) return 'newer';
  const hasRules = version === VERSION_WITH_RULES;
  const timeMs = limitOf(hasRules ? content?.defaultMs : content?.timeMs);
  const bytes = limitOf(content?.bytes);
  const rules = hasRules ? rulesOf(content?.rules) : [];
  return timeMs === undefined || bytes === undefined || rules === undefined ? 'damaged' : { timeMs, bytes, rules };
};

const rulesOf = (content: unknown): readonly RetentionRule[] | undefined => {
  if (!Array.isArray(content) || content.length > RULES_MAX) return undefined;
  const rules: RetentionRule[] = [];
  for (const { selector, timeMs } of content as { selector?: unknown; timeMs?: unknown }[]) {
    const limit = limitOf(timeMs);
    if (typeof selector !== 'string' || limit === undefined) return undefined;
    rules.push({ selector, timeMs: limit });
  }
  // Throws for a selector that this version can't parse.
  new RetentionClasses(Infinity, rules);
  return rules;
};

const shown = (limit: number): number | typeof OFF => (limit === Infinity ? OFF : limit);

const limitOf = (value: unknown): number | undefined => {
  if (value === OFF) return Infinity;
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : undefined;
};
