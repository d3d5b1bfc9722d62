//! What is refused because the vendor's documents, or its own program, refuse it: by the one table of
//! actions that the client, the command line and the documents are made from.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Service;
use super::answer::Failure;
use super::params::{Params, empty, missing};
use crate::cloud::actions::check::{Fault, Problem, check};
use crate::cloud::actions::{self, Action};

/// Parameters that stand in every address and say nothing of the action.
const COMMON: [&str; 8] = [
    "Action",
    "AccessKeyId",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Version",
    "Signature",
];
/// Sizes and counts have codes of their own, which the cloud behind knows.
const LEFT_TO_THE_CLOUD: [&str; 3] = ["Size", "ExtendedSize", "Number"];

impl From<Service> for actions::Service {
    fn from(service: Service) -> Self {
        match service {
            Service::Ecs => Self::Ecs,
            Service::Images => Self::Images,
            Service::Ebs => Self::Ebs,
            Service::SecurityGroups => Self::SecurityGroups,
            Service::Vpc => Self::Vpc,
        }
    }
}

/// Whether the call is one that the table allows.
pub(super) fn admit(service: Service, name: &str, params: &Params) -> Result<(), Failure> {
    let Some(action) = actions::at(service.into(), name) else { return Ok(()) };
    let given = given(action, params);
    let problems = check(action, &given);
    let is_ours = |one: &Problem| {
        let last = one.param.rsplit('.').next().unwrap_or(&one.param);
        one.fault != Fault::Wrong || !LEFT_TO_THE_CLOUD.contains(&last)
    };
    let refused = problems.into_iter().find(|one| !one.is_warning() && is_ours(one));
    let Some(problem) = refused else { return Ok(()) };
    Err(match problem.fault {
        Fault::Missing if given.contains_key(&problem.param) => empty(&problem.param),
        Fault::Missing => missing(&problem.param),
        Fault::Wrong if problem.param.ends_with("Password") => {
            Failure::new(400, "InvalidPassword.Malformed", "The password is too weak.")
        }
        Fault::Type | Fault::Wrong | Fault::Unknown | Fault::Warning => {
            Failure::told("InvalidParameter", &problem.to_string())
        }
    })
}

/// What is given besides the common parameters; in an address everything is text.
fn given(action: &Action, params: &Params) -> serde_json::Map<String, Value> {
    let all = params.given().iter().filter(|(name, _)| !COMMON.contains(&name.as_str()));
    let (texts, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        all.partition(|(name, value)| value.is_string() && params.is_of_address(name));
    let texts: Vec<(String, String)> = texts
        .into_iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let mut given = action.read(&texts);
    given.extend(others.into_iter().map(|(name, value)| (name.clone(), value.clone())));
    given
}
