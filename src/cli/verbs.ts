/** The verbs of `tidemark`, in the order of the help. */
import type { Verb } from './verb.ts';
import { backup } from './verbs/backup.ts';
import { check } from './verbs/check.ts';
import { createCompletion } from './verbs/completion.ts';
import { drop } from './verbs/drop.ts';
import { dump } from './verbs/dump.ts';
import { events } from './verbs/events.ts';
import { forwardVerb } from './verbs/forward.ts';
import { heads } from './verbs/heads.ts';
import { importVerb } from './verbs/import.ts';
import { info } from './verbs/info.ts';
import { machines } from './verbs/machines.ts';
import { promqltest } from './verbs/promqltest.ts';
import { quarantine } from './verbs/quarantine.ts';
import { query } from './verbs/query.ts';
import { retention } from './verbs/retention.ts';
import { rules } from './verbs/rules.ts';
import { serve } from './verbs/serve.ts';
import { subscriptions } from './verbs/subscriptions.ts';

const verbsButCompletion: readonly Verb[] = [
  serve,
  query,
  dump,
  importVerb,
  check,
  info,
  heads,
  events,
  promqltest,
  rules,
  quarantine,
  retention,
  drop,
  forwardVerb,
  subscriptions,
  backup,
  machines,
];

export const verbs: readonly Verb[] = [...verbsButCompletion, createCompletion(verbsButCompletion)];
