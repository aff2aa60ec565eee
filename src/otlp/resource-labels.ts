/**
 * What a resource and a scope give to the labels of every point below them, and to `target_info`.
 *
 *   service.namespace shop, service.name cart    job="shop/cart"
 *   service.instance.id 7f3                      instance="7f3"
 */
import type { AttributeList } from './attribute-list.ts';
import type { ConversionSettings } from './conversion-options.ts';
import type { LabelNames } from './label-names.ts';

/** Labels being put together. Without a prototype, so that an attribute may have any name. An empty value is no label. */
export type LabelDraft = Record<string, string>;

export const emptyDraft = (): LabelDraft => Object.create(null) as LabelDraft;

/** Attributes of a resource that become `job` and `instance`. */
const identifying: readonly string[] = ['service.namespace', 'service.name', 'service.instance.id'];

const SCOPE_PREFIX = 'otel_scope_';

export class ResourceLabels {
  private readonly settings: ConversionSettings;
  private readonly names: LabelNames;
  private job = '';
  private instance = '';
  /** Name and value of each promoted attribute, in turn. */
  private readonly promoted: string[] = [];
  private readonly scope: string[] = [];
  /** Everything that tells this resource from others, and this scope from the resource's other ones. */
  private resourceText = '';
  private scopeText = '';
  /** The labels of `target_info`; `undefined` if it would say nothing. */
  private info: LabelDraft | undefined;

  constructor(settings: ConversionSettings, names: LabelNames) {
    this.settings = settings;
    this.names = names;
  }

  get targetInfo(): LabelDraft | undefined {
    return this.info;
  }

  /** A text that other resources and scopes don't have. */
  get source(): string {
    return this.resourceText + this.scopeText;
  }

  beginResource(attributes: AttributeList): void {
    attributes.sort();
    this.resourceText = JSON.stringify([attributes.keys, attributes.values]);
    this.scopeText = '';
    const name = attributes.get('service.name');
    const namespace = attributes.get('service.namespace');
    this.job = name === undefined ? '' : namespace === undefined ? name : `${namespace}/${name}`;
    this.instance = attributes.get('service.instance.id') ?? '';
    this.promote(attributes);
    this.scope.length = 0;
    this.info = this.infoOf(attributes);
  }

  beginScope(name: string, version: string, schemaUrl: string, attributes: AttributeList): void {
    this.scope.length = 0;
    attributes.sort();
    this.scopeText = JSON.stringify([name, version, schemaUrl, attributes.keys, attributes.values]);
    if (!this.settings.promoteScope || name === '') return;
    this.scope.push(`${SCOPE_PREFIX}name`, name, `${SCOPE_PREFIX}version`, version);
    this.scope.push(`${SCOPE_PREFIX}schema_url`, schemaUrl);
    for (let i = 0; i < attributes.length; i++)
      this.scope.push(this.names.of(SCOPE_PREFIX + attributes.keys[i]), attributes.values[i]);
  }

  /**
   * Adds labels from attributes, which are sorted here. Values of keys that become the same name are joined by `;`.
   * Returns the first key that is no name; `undefined` if all are.
   */
  addAttributes(
    labels: LabelDraft,
    attributes: AttributeList,
    isLeftOut?: (key: string) => boolean,
  ): string | undefined {
    attributes.sort();
    const { keys, values } = attributes;
    for (let i = 0; i < keys.length; i++) {
      if (isLeftOut?.(keys[i]) === true) continue;
      const name = this.names.of(keys[i]);
      if (name === '') return keys[i];
      const earlier = labels[name];
      labels[name] = earlier === undefined || earlier === '' ? values[i] : `${earlier};${values[i]}`;
    }
    return undefined;
  }

  /** Adds the labels that points have from their resource, their scope and the options. */
  complete(labels: LabelDraft): void {
    addMissing(labels, this.promoted);
    const { scope } = this;
    for (let i = 0; i < scope.length; i += 2) labels[scope[i]] = scope[i + 1];
    this.identify(labels);
  }

  private identify(labels: LabelDraft): void {
    if (this.job !== '') labels['job'] = this.job;
    if (this.instance !== '') labels['instance'] = this.instance;
    for (const [name, value] of this.settings.labels) if (!hasLabel(labels, name)) labels[name] = value;
  }

  private promote(attributes: AttributeList): void {
    this.promoted.length = 0;
    const { promoteResourceAttributes: wanted } = this.settings;
    for (const key of wanted === 'all' ? attributes.keys : wanted) {
      const value = attributes.get(key);
      const name = this.names.of(key);
      if (value !== undefined && name !== '') this.promoted.push(name, value);
    }
  }

  private infoOf(attributes: AttributeList): LabelDraft | undefined {
    const { targetInfo, keepIdentifyingAttributes } = this.settings;
    const saysMore = attributes.keys.some((key) => !identifying.includes(key));
    if (!targetInfo || !saysMore || (this.job === '' && this.instance === '')) return undefined;
    const labels = emptyDraft();
    const isLeftOut = keepIdentifyingAttributes ? undefined : (key: string): boolean => identifying.includes(key);
    if (this.addAttributes(labels, attributes, isLeftOut) !== undefined) return undefined;
    this.identify(labels);
    return labels;
  }
}

const hasLabel = (labels: LabelDraft, name: string): boolean => labels[name] !== undefined && labels[name] !== '';

const addMissing = (labels: LabelDraft, pairs: readonly string[]): void => {
  for (let i = 0; i < pairs.length; i += 2) if (!hasLabel(labels, pairs[i])) labels[pairs[i]] = pairs[i + 1];
};
