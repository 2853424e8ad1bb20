// Whom the account lets release: tags of one repository on GitHub, by OIDC. No key is stored anywhere.
//
// Synthesised and checked here, never created: it needs a repository that somebody tags.
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

import { IMAGES, named } from './names.js';
import type { Settings } from './settings.js';

const TOKENS = 'token.actions.githubusercontent.com';
/** What `cdk bootstrap` calls its roles. */
const CDK_ROLES = 'cdk-hnb659fds-*';

export interface ReleaseStackProps extends StackProps {
  settings: Settings;
  /** `owner/name`. */
  repository: string;
}

export class ReleaseStack extends Stack {
  constructor(scope: Construct, id: string, { settings, repository, ...props }: ReleaseStackProps) {
    super(scope, id, props);
    const provider = new iam.CfnOIDCProvider(this, 'Tokens', { url: `https://${TOKENS}`, clientIdList: ['sts.amazonaws.com'] });
    const role = new iam.Role(this, 'Role', {
      roleName: named(settings.stage, 'release'),
      description: `What releases of ${repository} may do`,
      assumedBy: new iam.WebIdentityPrincipal(provider.attrArn, {
        // The workflow's environment is named `release`, and lets tags alone in.
        StringEquals: { [`${TOKENS}:aud`]: 'sts.amazonaws.com', [`${TOKENS}:sub`]: `repo:${repository}:environment:release` },
      }),
    });
    const allow = (actions: string[], ...resources: string[]): void => {
      role.addToPolicy(new iam.PolicyStatement({ actions, resources }));
    };
    // Deploying is done by the roles that `cdk bootstrap` made.
    allow(['sts:AssumeRole'], `arn:${this.partition}:iam::${this.account}:role/${CDK_ROLES}`);
    // A token for the registry is of no resource.
    allow(['ecr:GetAuthorizationToken'], '*');
    allow(
      [
        'ecr:BatchCheckLayerAvailability',
        'ecr:BatchGetImage',
        'ecr:CompleteLayerUpload',
        'ecr:GetDownloadUrlForLayer',
        'ecr:InitiateLayerUpload',
        'ecr:PutImage',
        'ecr:UploadLayerPart',
      ],
      ...IMAGES.map((image) => `arn:${this.partition}:ecr:${this.region}:${this.account}:repository/${named(settings.stage, image)}`),
    );
    new CfnOutput(this, 'ReleaseRole', { value: role.roleArn });
  }
}
