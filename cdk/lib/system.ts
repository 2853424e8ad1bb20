// The stacks, put together as the settings say.
import { type App, type Environment, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';

import { ClusterStack } from './cluster-stack.js';
import { DataStack } from './data-stack.js';
import { table } from './features.js';
import { FunctionsStack } from './functions-stack.js';
import { acknowledge } from './acknowledged.js';
import { named } from './names.js';
import { PageStack } from './page-stack.js';
import { settings as read } from './settings.js';

export interface System {
  data: DataStack;
  functions: FunctionsStack | undefined;
  cluster: ClusterStack | undefined;
  page: PageStack | undefined;
}

export function system(app: App, code?: { code: lambda.Code; processorCode: lambda.Code }): System {
  const settings = read(app.node);
  const env: Environment = {};
  const props = (id: string) => ({ env, settings, table, stackName: named(settings.stage, id.toLowerCase()) });
  const data = new DataStack(app, 'Data', props('Data'));
  const functions =
    settings.compute === 'eks'
      ? undefined
      : new FunctionsStack(app, 'Functions', {
          ...props('Functions'),
          data,
          code: code?.code ?? lambda.Code.fromAsset(settings.zip),
          processorCode: code?.processorCode ?? lambda.Code.fromAsset(settings.processorZip),
        });
  const cluster = settings.compute === 'lambda' ? undefined : new ClusterStack(app, 'Cluster', { ...props('Cluster'), data });
  const connects = [`https://*.execute-api.${Stack.of(data).region}.amazonaws.com`, `https://${data.bucket.bucketRegionalDomainName}`];
  const page = settings.emulator ? undefined : new PageStack(app, 'Page', { ...props('Page'), connects });
  const made = { data, functions, cluster, page };
  acknowledge(made);
  return made;
}
