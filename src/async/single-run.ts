/**
 * Work that never runs twice at the same time. A call during a run does not start another one; it shares one:
 *
 * - `join` shares the running one. This suits work whose result is as good for a late caller.
 * - `follow` shares the next one, which starts when the running one has ended. This suits work that takes everything
 *   that was added before it started: what is added during a run needs one more run, however many calls there were.
 *
 *     saves.follow(write)    starts run 1
 *     saves.follow(write)    during run 1: run 2 starts after it
 *     saves.follow(write)    during run 1: shares run 2
 */
export class SingleRun<Result = void> {
  private running: Promise<Result> | undefined;
  private following: Promise<Result> | undefined;

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** A run starts when the running one has ended. */
  get isFollowed(): boolean {
    return this.following !== undefined;
  }

  join(work: () => Promise<Result>): Promise<Result> {
    return this.running ?? this.start(work);
  }

  /** If nothing runs, the run starts in a microtask, so that all calls of one turn share it. */
  follow(work: () => Promise<Result>): Promise<Result> {
    this.following ??= this.startNext(work);
    return this.following;
  }

  /** Does the same as {@link follow}, but if nothing runs, the work starts before this call returns. */
  startOrFollow(work: () => Promise<Result>): Promise<Result> {
    const isFree = this.running === undefined && this.following === undefined;
    return isFree ? this.start(work) : this.follow(work);
  }

  /** Resolves when the running one has ended, whether it succeeded or failed. */
  async ended(): Promise<void> {
    await this.running?.catch(() => undefined);
  }

  /** Resolves when nothing runs and nothing follows. */
  async idle(): Promise<void> {
    while (this.following !== undefined) await this.following.catch(() => undefined);
    await this.ended();
  }

  private async startNext(work: () => Promise<Result>): Promise<Result> {
    do await this.ended();
    while (this.running !== undefined);
    this.following = undefined;
    return this.start(work);
  }

  private start(work: () => Promise<Result>): Promise<Result> {
    this.running = work().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }
}
