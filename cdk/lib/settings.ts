// What `cdk deploy -c NAME=VALUE` may choose, read here and nowhere else.
import type { Node } from 'constructs';

export type Compute = 'eks' | 'lambda' | 'both';
export type Architecture = 'arm64' | 'x86_64';

export interface Settings {
  /** In the names of things: `tech5-<stage>-…`. */
  stage: string;
  compute: Compute;
  /** Of the functions' zip, and of the cluster's nodes. */
  architecture: Architecture;
  /** Zip of the functions, and of the processor, which has ffmpeg too: from `make lambda`. */
  zip: string;
  processorZip: string;
  /** Origins whose pages may call: the page's own address. */
  pageUrl: string;
  /** Who mails are from; SES must know the address or its domain. */
  mailFrom: string;
  /** Who is told of alarms; nobody unless given. */
  alarmEmail: string | undefined;
  /** Dollars a day above what is usual that are an alarm. */
  anomalyDollars: number;
  /** What the addresses of runbooks begin with. */
  runbook: string;
  /** How many videos functions work on at a time, where that is not what the table says. */
  processors: number | undefined;
  /** How service accounts get their roles. */
  podRoles: 'irsa' | 'pod-identity';
  /** Who provides nodes: EKS itself, or a managed group. */
  nodes: 'auto' | 'managed';
  /** Whose tags may deploy, `owner/name` on GitHub; nobody's unless given. */
  repository: string | undefined;
  /** Keep bucket, table and users when the stack goes. */
  retain: boolean;
  /** For an emulator: where each function finds AWS, and what else they are told. */
  emulator: { endpoints: Record<string, string>; variables: Record<string, string> } | undefined;
}

function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((choice) => choice === value);
  if (!found) throw new Error(`-c ${name} is one of ${known.join(', ')}, not ${value}`);
  return found;
}

function number(name: string, value: string): number {
  const parsed = Number(value);
  if (!Number.isFinite(parsed) || parsed <= 0) throw new Error(`-c ${name} is a number, not ${value}`);
  return parsed;
}

/** A queue's mapping cannot be held to fewer. */
function atLeastTwo(name: string, value: string): number {
  const parsed = number(name, value);
  if (!Number.isInteger(parsed) || parsed < 2) throw new Error(`-c ${name} is 2 at least, not ${value}`);
  return parsed;
}

export function settings(node: Node): Settings {
  const text = (name: string, otherwise: string): string => String(node.tryGetContext(name) ?? otherwise);
  const stage = text('stage', 'dev');
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(stage)) throw new Error(`-c stage is a short lowercase name, not ${stage}`);
  const architecture = oneOf('architecture', text('architecture', 'arm64'), ['arm64', 'x86_64']);
  const emulator = node.tryGetContext('emulator');
  const processors = node.tryGetContext('processors');
  const repository = node.tryGetContext('repository');
  if (repository && !/^[\w.-]+\/[\w.-]+$/.test(repository)) throw new Error(`-c repository is owner/name, not ${repository}`);
  return {
    stage,
    compute: oneOf('compute', text('compute', 'lambda'), ['eks', 'lambda', 'both']),
    architecture,
    zip: text('zip', `../target/lambda/fotograma-${architecture}.zip`),
    processorZip: text('processorZip', `../target/lambda/fotograma-processor-${architecture}.zip`),
    pageUrl: text('pageUrl', 'http://127.0.0.1:8000').replace(/\/+$/, ''),
    mailFrom: text('mailFrom', 'fotograma@example.com'),
    alarmEmail: node.tryGetContext('alarmEmail'),
    anomalyDollars: number('anomalyDollars', text('anomalyDollars', '10')),
    runbook: text('runbook', 'docs/runbook.md'),
    processors: processors === undefined ? undefined : atLeastTwo('processors', String(processors)),
    podRoles: oneOf('podRoles', text('podRoles', 'irsa'), ['irsa', 'pod-identity']),
    nodes: oneOf('nodes', text('nodes', 'auto'), ['auto', 'managed']),
    repository,
    retain: text('retain', 'true') !== 'false',
    emulator: emulator ? JSON.parse(emulator) : undefined,
  };
}
