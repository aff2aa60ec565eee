/** Bytes of memory that this process may use: those of the machine, or of its control group if that has less. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

export const memoryLimitBytes = (): number => Math.min(totalmem(), controlGroupLimit());

const controlGroupLimit = (): number => {
  for (const path of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    try {
      const bytes = Number(readFileSync(path, 'utf8').trim());
      if (Number.isFinite(bytes) && bytes > 0) return bytes;
    } catch {
      // No such control group: the machine's memory is the limit.
    }
  }
  return Number.POSITIVE_INFINITY;
};
