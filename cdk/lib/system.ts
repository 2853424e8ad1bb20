// The stacks, put together as the settings say.
import { type App, type Environment, Stack } from 'aws-cdk-lib';

import { ClusterStack } from './cluster-stack.js';
import { DataStack } from './data-stack.js';
import { type Table, table } from './features.js';
import { FunctionsStack, type Zips } from './functions-stack.js';
import { acknowledge } from './acknowledged.js';
import { named } from './names.js';
import { PageStack } from './page-stack.js';
import { ReleaseStack } from './release-stack.js';
import { settings as read } from './settings.js';

export interface System {
  data: DataStack;
  functions: FunctionsStack | undefined;
  cluster: ClusterStack | undefined;
  page: PageStack | undefined;
  release: ReleaseStack | undefined;
}

export function system(app: App, code?: Zips, rows: Table = table): System {
  const settings = read(app.node);
  const env: Environment = {};
  const props = (id: string) => ({ env, settings, table: rows, stackName: named(settings.stage, id.toLowerCase()) });
  const data = new DataStack(app, 'Data', props('Data'));
  const functions =
    settings.compute === 'eks'
      ? undefined
      : new FunctionsStack(app, 'Functions', {
          ...props('Functions'),
          data,
          code,
        });
  const cluster = settings.compute === 'lambda' ? undefined : new ClusterStack(app, 'Cluster', { ...props('Cluster'), data });
  const connects = [`https://*.execute-api.${Stack.of(data).region}.amazonaws.com`, `https://${data.bucket.bucketRegionalDomainName}`];
  const page = settings.emulator ? undefined : new PageStack(app, 'Page', { ...props('Page'), connects });
  const { repository } = settings;
  const release = repository ? new ReleaseStack(app, 'Release', { ...props('Release'), repository }) : undefined;
  const made = { data, functions, cluster, page, release };
  acknowledge(made);
  return made;
}
