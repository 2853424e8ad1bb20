// What a feature's function may use, from what sets it off.
import { Duration } from 'aws-cdk-lib';

import { type Feature } from './features.js';

export interface Limits {
  memoryMiB: number;
  timeout: Duration;
  /** How long its queue hides a message in hand: six times the timeout, as Lambda asks. */
  visibility: Duration;
}

/** A function gets one whole processor at this much memory. */
const ONE_PROCESSOR = 1769;
/** API Gateway waits 30 s; the answer that says so should be ours. */
const BEHIND_HTTP = Duration.seconds(29);
const BEHIND_QUEUE = Duration.seconds(60);
/** The longest that a function may run. */
const WHOLE_VIDEO = Duration.minutes(15);

/** Whether it makes frames. */
export const makesFrames = (feature: Feature): boolean =>
  feature.permissions.some(
    ({ action, resource }) => action === 's3:PutObject' && typeof resource === 'object' && 'objects' in resource && resource.objects === 'frames/',
  );

export function limits(feature: Feature): Limits {
  const timeout = makesFrames(feature) ? WHOLE_VIDEO : feature.trigger.type === 'http' ? BEHIND_HTTP : BEHIND_QUEUE;
  return {
    memoryMiB: makesFrames(feature) ? ONE_PROCESSOR : 256,
    timeout,
    visibility: Duration.seconds(timeout.toSeconds() * 6),
  };
}
