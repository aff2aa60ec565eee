/**
 * Arithmetic and comparisons between a vector and a scalar, and between two vectors. Of two vectors one side is held: the
 * right one, or with group_left and group_right the side of which one series belongs to many. The series of the other
 * side are matched as they arrive, each over all steps at once.
 */
import type { ArithmeticOperator, Binary, ComparisonOperator, VectorMatching } from '../syntax/ast.ts';
import type { Execution, ScalarOperator, VectorOperator } from './execution.ts';
import { labelsText } from './go-text.ts';
import { LabelNumbers } from './labels-of-results.ts';
import { failed } from './limits.ts';
import { isWholeLabelSet, resultLabels, Signatures } from './matching.ts';
import { arithmetics, comparisons, isComparison } from './operations.ts';
import { isEmpty, overlaps, type Row, type RowSink, type Steps, unite } from './rows.ts';
import { collect } from './vector-operators.ts';

/** `x * 2`, `2 - x`, `x > 5`, `5 < bool x`. */
export class VectorScalar implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly node: Binary;
  private readonly vector: VectorOperator;
  private readonly scalar: ScalarOperator;
  private readonly steps: Steps;
  private readonly scalarIsLeft: boolean;

  constructor(
    execution: Execution,
    node: Binary,
    vector: VectorOperator,
    scalar: ScalarOperator,
    steps: Steps,
    scalarIsLeft: boolean,
  ) {
    this.execution = execution;
    this.node = node;
    this.vector = vector;
    this.scalar = scalar;
    this.steps = steps;
    this.scalarIsLeft = scalarIsLeft;
    this.isDistinct = vector.isDistinct;
  }

  async run(sink: RowSink): Promise<void> {
    const { execution, node, steps } = this;
    const scalar = await this.scalar.run();
    const keepsName = isComparison(node.operator) && !node.returnBool;
    await this.vector.run((row) => {
      this.compute(row, scalar);
      if (isEmpty(row.present)) return steps.release(row);
      if (!keepsName) execution.dropName(row);
      return sink(row);
    });
  }

  private compute(row: Row, scalar: Float64Array): void {
    const left = this.scalarIsLeft ? scalar : row.values;
    const right = this.scalarIsLeft ? row.values : scalar;
    computeColumns(this.node, left, right, row.values, row.values, row.present);
  }
}

/**
 * Computes a column from two columns. A comparison without `bool` keeps the values of `kept` where it holds, and clears
 * the bits elsewhere.
 */
const computeColumns = (
  node: Binary,
  left: Float64Array,
  right: Float64Array,
  kept: Float64Array,
  values: Float64Array,
  present: Uint32Array,
): void => {
  const operator = node.operator as ArithmeticOperator | ComparisonOperator;
  if (!isComparison(operator)) {
    const compute = arithmetics[operator];
    for (let step = 0; step < values.length; step++) values[step] = compute(left[step], right[step]);
    return;
  }
  const compare = comparisons[operator];
  if (node.returnBool) {
    for (let step = 0; step < values.length; step++) values[step] = compare(left[step], right[step]) ? 1 : 0;
    return;
  }
  for (let step = 0; step < values.length; step++) {
    if (compare(left[step], right[step])) values[step] = kept[step];
    else present[step >>> 5] &= ~(1 << (step & 31));
  }
};

/** The held side: for each signature its series, and the steps at which it has one. */
class OneSide {
  readonly numbers = new LabelNumbers();
  readonly rows: Row[][] = [];
  private readonly signatures: Signatures;
  private readonly steps: Steps;
  private readonly unions: Uint32Array[] = [];
  /** Steps at which two series have the same signature, and the first two such series. */
  private duplicates: Uint32Array | undefined;
  private duplicatePair: readonly [Row, Row] | undefined;

  constructor(signatures: Signatures, steps: Steps) {
    this.signatures = signatures;
    this.steps = steps;
  }

  add(row: Row): void {
    const number = this.numbers.numberOf(this.signatures.of(row.labels), true);
    if (number === this.rows.length) {
      this.rows.push([row]);
      this.unions.push(row.present.slice());
      return;
    }
    const union = this.unions[number];
    if (overlaps(union, row.present)) this.markDuplicates(number, row);
    unite(union, row.present);
    this.rows[number].push(row);
  }

  /** At a step at which the other side is empty nothing is matched, so duplicates there are no error. */
  checkDuplicates(present: Uint32Array, matching: VectorMatching): void {
    if (this.duplicates === undefined || !overlaps(this.duplicates, present)) return;
    const [first, second] = this.duplicatePair!;
    const side = matching.cardinality === 'one-to-many' ? 'left' : 'right';
    const group = labelsText(this.signatures.of(second.labels));
    throw failed(
      `found duplicate series for the match group ${group} on the ${side} hand-side of the operation: [${labelsText(first.labels)}, ${labelsText(second.labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
    );
  }

  release(): void {
    for (const rows of this.rows) for (const row of rows) this.steps.release(row);
  }

  private markDuplicates(number: number, row: Row): void {
    this.duplicates ??= this.steps.bitmap();
    const union = this.unions[number];
    for (let word = 0; word < this.steps.words; word++) this.duplicates[word] |= union[word] & row.present[word];
    const before = this.rows[number].find((other) => overlaps(other.present, row.present));
    this.duplicatePair ??= [before ?? this.rows[number][0], row];
  }
}

/** `a / b`, `a * on (job) group_left (version) b`, `a > b`. */
export class VectorVector implements VectorOperator {
  readonly isDistinct: boolean;
  /** Result rows may have equal labels, so they have to be merged. */
  readonly needsMerge: boolean;
  private readonly execution: Execution;
  private readonly node: Binary;
  private readonly matching: VectorMatching;
  private readonly left: VectorOperator;
  private readonly right: VectorOperator;
  private readonly steps: Steps;
  /** A comparison keeps the metric name, unless `bool` drops it afterwards. */
  private readonly isFilter: boolean;

  constructor(
    execution: Execution,
    node: Binary,
    matching: VectorMatching,
    left: VectorOperator,
    right: VectorOperator,
    steps: Steps,
  ) {
    this.execution = execution;
    this.node = node;
    this.matching = matching;
    this.left = left;
    this.right = right;
    this.steps = steps;
    this.isFilter = isComparison(node.operator);
    const keepsName = this.isFilter && !node.returnBool;
    const isWhole = isWholeLabelSet(matching) && matching.include.length === 0;
    this.needsMerge = !(isWhole && left.isDistinct && right.isDistinct);
    this.isDistinct = !this.needsMerge || (!keepsName && !execution.options.delayedNameRemoval);
  }

  async run(sink: RowSink): Promise<void> {
    const { execution, matching, steps } = this;
    const oneIsLeft = matching.cardinality === 'one-to-many';
    const signatures = new Signatures(matching);
    const one = new OneSide(signatures, steps);
    for (const row of await collect(oneIsLeft ? this.left : this.right)) {
      one.add(row);
      if (execution.budget.spend(steps.words + 50)) await execution.budget.breathe();
    }
    const claims = this.needsMerge ? new Claims(steps, matching.cardinality === 'one-to-one') : undefined;
    await (oneIsLeft ? this.right : this.left).run((many) => {
      one.checkDuplicates(many.present, matching);
      const number = one.numbers.find(signatures.of(many.labels));
      if (number < 0) return steps.release(many);
      const partners = one.rows[number];
      execution.budget.count(partners.length * steps.count);
      if (partners.length === 1) return this.match(many, partners[0], number, claims, oneIsLeft, sink, true);
      return this.matchEach(many, partners, number, claims, oneIsLeft, sink);
    });
    one.release();
  }

  /** The partners have values at different steps. */
  private async matchEach(
    many: Row,
    partners: readonly Row[],
    number: number,
    claims: Claims | undefined,
    oneIsLeft: boolean,
    sink: RowSink,
  ): Promise<void> {
    const { budget } = this.execution;
    for (const partner of partners) {
      if (budget.spend(this.steps.words + 10)) await budget.breathe();
      if (!overlaps(many.present, partner.present)) continue;
      await this.match(many, partner, number, claims, oneIsLeft, sink, false);
    }
    this.steps.release(many);
  }

  private match(
    many: Row,
    one: Row,
    signature: number,
    claims: Claims | undefined,
    oneIsLeft: boolean,
    sink: RowSink,
    ownsMany: boolean,
  ): void | Promise<void> {
    const { steps, node } = this;
    const result = steps.take(resultLabels(this.matching, this.isFilter, many.labels, one.labels), false);
    if (node.returnBool) this.execution.dropName(result);
    else result.dropName = this.isFilter && many.dropName;
    for (let word = 0; word < steps.words; word++) result.present[word] = many.present[word] & one.present[word];
    claims?.claim(signature, result);
    const left = oneIsLeft ? one : many;
    const right = oneIsLeft ? many : one;
    computeColumns(node, left.values, right.values, left.values, result.values, result.present);
    if (ownsMany) steps.release(many);
    if (isEmpty(result.present)) return steps.release(result);
    return sink(result);
  }
}

/** Which steps of a match group are taken: a second series there is an error. */
class Claims {
  private readonly steps: Steps;
  private readonly isOneToOne: boolean;
  /** By signature if one belongs to one, otherwise by signature and labels of the result. */
  private readonly taken = new Map<number, Uint32Array>();
  private readonly labels = new LabelNumbers();

  constructor(steps: Steps, isOneToOne: boolean) {
    this.steps = steps;
    this.isOneToOne = isOneToOne;
  }

  claim(signature: number, result: Row): void {
    const key = this.isOneToOne ? signature : this.labels.numberOf([...result.labels, '', String(signature)], false);
    const taken = this.taken.get(key) ?? this.steps.bitmap();
    if (overlaps(taken, result.present)) {
      throw failed(
        this.isOneToOne
          ? 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'
          : 'multiple matches for labels: grouping labels must ensure unique matches',
      );
    }
    unite(taken, result.present);
    this.taken.set(key, taken);
  }
}
