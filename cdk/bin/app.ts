// The CDK app: `npx cdk synth`, `npx cdk deploy --all`. Its choices are in lib/settings.ts.
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

import { system } from '../lib/system.js';

const app = new App({ analyticsReporting: false });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
system(app);
app.synth();
