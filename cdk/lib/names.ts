// What things are called: `tech5-<stage>-…`, as the binary derives it where it is told nothing.
export const named = (stage: string, short: string): string => `tech5-${stage}-${short}`;

export const TABLE = 'video-status';
export const BUCKET = 'videos';
export const TOPIC = 'video-topic';
export const BY_USER = 'user_id-index';
export const OPEN = 'open-index';
/** The images of the services: the stages of containers/Dockerfile. */
export const IMAGES = ['services', 'video-processor'];
