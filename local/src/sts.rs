//! STS: who the caller is. There is one caller.

use std::sync::Arc;

use async_trait::async_trait;

use crate::context::Context;
use crate::error::ServiceError;
use crate::service::{Call, Reply, Service, ServiceName};

/// The service.
pub(crate) struct Sts {
    pub(crate) context: Arc<Context>,
}

#[async_trait]
impl Service for Sts {
    fn name(&self) -> ServiceName {
        ServiceName::Sts
    }

    async fn run_operation(self: Arc<Self>, call: Call) -> Result<Reply, ServiceError> {
        let operation = call.operation;
        if operation != "GetCallerIdentity" {
            return Err(ServiceError::bad_request(
                "InvalidAction",
                format!("Could not find operation {operation} for version 2011-06-15"),
            ));
        }
        let account = &self.context.config.account;
        Ok(Reply::Xml(format!(
            "<Arn>arn:aws:iam::{account}:root</Arn><UserId>{account}</UserId>\
             <Account>{account}</Account>"
        )))
    }
}
