/** The rules of `tidemark serve --rules`: read before the store opens, evaluated while it is open. */
import type { InspectionEvent } from 'xstate';
import type { RuleGroupState, RulesSource } from '../http/rules-source.ts';
import type { Store } from '../index.ts';
import type { RuleGroup, RunningRules } from '../rules/index.ts';
import { messageOf } from '../text/error-text.ts';
import { nameOfInput, readInputText } from './input-files.ts';
import type { Terminal } from './terminal.ts';

export class ServedRules implements RulesSource {
  private readonly ruleGroups: readonly RuleGroup[];
  private running: RunningRules | undefined;
  /** Observers of the alerts' actors. A page may be open before the rules are started. */
  private readonly observers = new Map<(event: InspectionEvent) => void, () => void>();

  private constructor(ruleGroups: readonly RuleGroup[]) {
    this.ruleGroups = ruleGroups;
  }

  /** `ownText`: a rule file of the program's own. Rejects with the problems of the files, one a line. */
  static async read(paths: readonly string[], terminal: Terminal, ownText?: string): Promise<ServedRules> {
    if (paths.length === 0 && ownText === undefined) return new ServedRules([]);
    const { problemText, readRuleFile } = await import('../rules/index.ts');
    const all: RuleGroup[] = [];
    if (ownText !== undefined) all.push(...(await readRuleFile(ownText, 'the demo')).groups);
    const problems: string[] = [];
    for (const path of paths) {
      const file = await readRuleFile(await readInputText(path, terminal), nameOfInput(path));
      if (file.groups.every(({ rules }) => rules.length === 0) && file.problems.length === 0)
        terminal.err.say(`${nameOfInput(path)} has no rules.\n`);
      all.push(...file.groups);
      problems.push(...file.problems.map((problem) => problemText(nameOfInput(path), problem)));
    }
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return new ServedRules(all);
  }

  groups(): readonly RuleGroupState[] {
    return this.running?.groups() ?? [];
  }

  alertStates(): Readonly<Record<string, number>> {
    return this.running?.alertStates() ?? {};
  }

  inspect(observer: (event: InspectionEvent) => void): () => void {
    this.observers.set(observer, this.running?.inspect(observer) ?? (() => {}));
    return () => {
      this.observers.get(observer)?.();
      this.observers.delete(observer);
    };
  }

  async start(
    store: Store,
    {
      alertmanagers,
      externalUrl,
      terminal,
    }: {
      readonly alertmanagers: readonly string[];
      readonly externalUrl: string;
      readonly terminal: Terminal;
    },
  ): Promise<void> {
    if (this.ruleGroups.length === 0) return;
    const { startRules } = await import('../rules/index.ts');
    this.running = await startRules(store, this.ruleGroups, {
      alertmanagers,
      externalUrl,
      onError: (error, where) => terminal.err.say(`${where}: ${messageOf(error)}\n`),
    });
    for (const observer of this.observers.keys()) this.observers.set(observer, this.running.inspect(observer));
  }

  async stop(): Promise<void> {
    await this.running?.stop();
  }
}
