// The page: static files in a bucket that only CloudFront reads.
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

import { named } from './names.js';
import type { Settings } from './settings.js';

export interface PageStackProps extends StackProps {
  settings: Settings;
  /** What the page calls: the API, and the bucket of videos. */
  connects: string[];
}

export class PageStack extends Stack {
  constructor(scope: Construct, id: string, { settings, connects, ...props }: PageStackProps) {
    super(scope, id, props);
    const bucket = new s3.Bucket(this, 'Page', {
      bucketName: named(settings.stage, 'page'),
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const policy = [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data: blob:",
      // The video that a person plays beside its frames.
      'media-src blob:',
      `connect-src 'self' ${connects.join(' ')}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; ');
    const headers = new cloudfront.ResponseHeadersPolicy(this, 'Headers', {
      responseHeadersPolicyName: named(settings.stage, 'page'),
      securityHeadersBehavior: {
        contentSecurityPolicy: { contentSecurityPolicy: policy, override: true },
        contentTypeOptions: { override: true },
        referrerPolicy: { referrerPolicy: cloudfront.HeadersReferrerPolicy.NO_REFERRER, override: true },
        strictTransportSecurity: { accessControlMaxAge: Duration.days(365), includeSubdomains: true, override: true },
      },
    });
    const page = new cloudfront.Distribution(this, 'Distribution', {
      comment: named(settings.stage, 'page'),
      defaultRootObject: 'index.html',
      minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(bucket),
        viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        responseHeadersPolicy: headers,
      },
    });
    new CfnOutput(this, 'PageBucket', { value: bucket.bucketName });
    new CfnOutput(this, 'PageUrl', { value: `https://${page.distributionDomainName}` });
  }
}
