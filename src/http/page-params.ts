/** Parameters of the pages' own endpoints. */
import type { Labels } from '../index.ts';
import { badData } from './reply.ts';

export const requiredParam = (params: URLSearchParams, name: string): string => {
  const text = params.get(name);
  if (text === null || text.trim() === '') throw badData(`The parameter ${name} is missing.`);
  return text;
};

/** The labels of one series, as a JSON object. */
export const labelsParam = (params: URLSearchParams): Labels => {
  const text = requiredParam(params, 'labels');
  let labels: unknown;
  try {
    labels = JSON.parse(text);
  } catch {
    throw badData('labels must be a JSON object.');
  }
  if (typeof labels !== 'object' || labels === null || Object.values(labels).some((value) => typeof value !== 'string'))
    throw badData('labels must be a JSON object whose values are strings.');
  return labels as Labels;
};
