// Synthesises the stacks with a stand-in for the zips, which only deployment needs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { App, Validations } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';

import { type Table, table } from '../lib/features.js';
import { type System, system } from '../lib/system.js';

/** What is made here is gone when the tests are over. */
const work = mkdtempSync(join(tmpdir(), 'fotograma-cdk-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
export const folder = (): string => mkdtempSync(join(work, 'made-'));

function zip(...files: string[]): Code {
  const code = folder();
  mkdirSync(join(code, 'bin'));
  for (const file of files) writeFileSync(join(code, file), file);
  return Code.fromAsset(code);
}

export function synth(context: Record<string, string> = {}, outdir: string = folder(), rows: Table = table): System & { app: App } {
  const app = new App({ analyticsReporting: false, context, outdir });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const made = system(app, { plain: zip('bootstrap'), withFfmpeg: zip('bootstrap', 'bin/ffmpeg') }, rows);
  return { ...made, app };
}

export interface Resource {
  Type: string;
  // The shape of each type is CloudFormation's own.
  Properties: any;
}

export function resources(template: Template, type: string): Resource[] {
  return Object.values(template.findResources(type)) as Resource[];
}

/** All statements of all policies that are attached to roles of a template. */
export function statements(template: Template): { Action: string | string[]; Resource: unknown; Effect: string }[] {
  return resources(template, 'AWS::IAM::Policy').flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
}

export const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
