//! Actions that are newer than the table: sent as they are said to be.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use crate::cloud::actions::{self, Action, Holds, Service};

/// Names of actions: those of the table are completed, any other is taken.
#[derive(Debug, Clone)]
pub(super) struct Names;

/// The verb of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Verb {
    /// Parameters in the address.
    Get,
    /// Parameters in a body.
    Post,
}

/// The service of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ServiceName {
    /// Machines: /ecs/v1.
    Ecs,
    /// Images: /ecs/v1.1.
    Images,
    /// Disks and snapshots: /ebs/v1.
    Ebs,
    /// Security groups: /sg/v1.
    Sg,
    /// Networks: /vpc.
    Vpc,
}

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = ["list", "help"].into_iter().chain(actions::table().map(Action::id));
        Some(Box::new(names.map(PossibleValue::new)))
    }
}

/// An action of which nothing is known but its verb and its service. A `POST` is taken for a change.
pub(super) fn action(name: &str, verb: Verb, service: ServiceName) -> Action {
    let service = match service {
        ServiceName::Ecs => Service::Ecs,
        ServiceName::Images => Service::Images,
        ServiceName::Ebs => Service::Ebs,
        ServiceName::Sg => Service::SecurityGroups,
        ServiceName::Vpc => Service::Vpc,
    };
    Action {
        // One for the life of the command.
        name: name.to_owned().leak(),
        method: if verb == Verb::Get { "GET" } else { "POST" },
        service,
        changes: verb == Verb::Post,
        event: false,
        title: "",
        about: "an action that is not known here",
        params: &[],
        answer: Holds::Anything,
        columns: &[],
        rules: &[],
        source: "",
        quirks: "",
        in_document: false,
    }
}
