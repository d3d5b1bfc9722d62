//! Events: how the cloud tells that a request is done, late, or never.

use crate::model::{EventReading, EventStatus, Text, Time};

/// What a request was about (`EventType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// `create_ecs`.
    Create,
    /// `start_up_ecs`.
    Start,
    /// `shutdown_ecs`, free or not, hard or not.
    Stop,
    /// `restart_ecs`.
    Restart,
    /// `delete_ecs`.
    Delete,
    /// `create_disk`.
    CreateDisk,
    /// `delete_disk`.
    DeleteDisk,
    /// `mount_disk`.
    MountDisk,
    /// `unmount_disk`.
    UnmountDisk,
    /// `extend_disk`.
    ExtendDisk,
    /// `create_snapshot`.
    CreateSnapshot,
    /// `delete_snapshot`.
    DeleteSnapshot,
    /// `rollback_disk`.
    RollBack,
    /// `create_image`.
    CreateImage,
    /// `delete_image`.
    DeleteImage,
    /// `sync_image`.
    SyncImage,
    /// `reset_password`.
    Password,
    /// `change_configure`.
    Resize,
}

/// How far a task is, as far as the cloud tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskState {
    /// Not told yet.
    Doing,
    /// Done.
    Success,
    /// Failed: all is as it was.
    Failed,
}

/// One instance's part of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    /// `TaskId`.
    pub id: Text,
    /// `ResourceId`.
    pub instance: Text,
    /// `Status`.
    pub state: TaskState,
    /// `CreateTime`, whole seconds.
    pub created_at: Time,
    /// `EndTime`, whole seconds; `None` until told.
    pub ended_at: Option<Time>,
}

/// An event as `DescribeEvent` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    /// `EventId`.
    pub id: Text,
    /// `EventType`.
    pub kind: EventKind,
    /// `CreateTime`, whole seconds.
    pub created_at: Time,
    /// One per instance.
    pub tasks: Vec<TaskView>,
}

/// What the provider keeps of an event.
#[derive(Debug, Clone)]
pub(super) struct EventKept {
    pub(super) kind: EventKind,
    pub(super) created_at: Time,
    pub(super) tasks: Vec<TaskKept>,
}

/// What the provider keeps of a task.
#[derive(Debug, Clone)]
pub(super) struct TaskKept {
    pub(super) instance: Text,
    pub(super) created_at: Time,
    pub(super) ends_at: Time,
    /// When it may be told; [`Time::MAX`] for a lost one.
    pub(super) told_at: Time,
    pub(super) fails: bool,
}

impl EventKind {
    /// The vendor's code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Create => "create_ecs",
            Self::Start => "start_up_ecs",
            Self::Stop => "shutdown_ecs",
            Self::Restart => "restart_ecs",
            Self::Delete => "delete_ecs",
            Self::CreateDisk => "create_disk",
            Self::DeleteDisk => "delete_disk",
            Self::MountDisk => "mount_disk",
            Self::UnmountDisk => "unmount_disk",
            Self::ExtendDisk => "extend_disk",
            Self::CreateSnapshot => "create_snapshot",
            Self::DeleteSnapshot => "delete_snapshot",
            Self::RollBack => "rollback_disk",
            Self::CreateImage => "create_image",
            Self::DeleteImage => "delete_image",
            Self::SyncImage => "sync_image",
            Self::Password => "reset_password",
            Self::Resize => "change_configure",
        }
    }

    /// The vendor's word for people.
    pub const fn display(self) -> &'static str {
        match self {
            Self::Create => "创建云服务器",
            Self::Start => "云服务器开机",
            Self::Stop => "云服务器关机",
            Self::Restart => "云服务器重启",
            Self::Delete => "删除云服务器",
            Self::CreateDisk => "创建云盘",
            Self::DeleteDisk => "删除云盘",
            Self::MountDisk => "挂载云盘",
            Self::UnmountDisk => "卸载云盘",
            Self::ExtendDisk => "扩容云盘",
            Self::CreateSnapshot => "创建快照",
            Self::DeleteSnapshot => "删除快照",
            Self::RollBack => "快照回滚",
            Self::CreateImage => "创建镜像",
            Self::DeleteImage => "删除镜像",
            Self::SyncImage => "同步镜像",
            Self::Password => "修改密码",
            Self::Resize => "变更规格",
        }
    }

    /// `ResourceType` and its word for people.
    pub const fn resource(self) -> (&'static str, &'static str) {
        match self {
            Self::CreateDisk
            | Self::DeleteDisk
            | Self::MountDisk
            | Self::UnmountDisk
            | Self::ExtendDisk
            | Self::RollBack => ("disk", "云盘"),
            Self::CreateSnapshot | Self::DeleteSnapshot => ("snapshot", "快照"),
            Self::CreateImage | Self::DeleteImage | Self::SyncImage => ("image", "镜像"),
            Self::Create
            | Self::Start
            | Self::Stop
            | Self::Restart
            | Self::Delete
            | Self::Password
            | Self::Resize => ("ecs", "云服务器"),
        }
    }
}

impl EventView {
    /// The whole event's state: done when all tasks are.
    pub fn state(&self) -> TaskState {
        let is = |state: TaskState| self.tasks.iter().any(|task| task.state == state);
        if is(TaskState::Doing) {
            TaskState::Doing
        } else if is(TaskState::Failed) {
            TaskState::Failed
        } else {
            TaskState::Success
        }
    }

    /// As the daemon reads it for one instance (or for the first).
    pub fn reading(&self, instance: Option<&str>) -> EventReading {
        let of = |task: &&TaskView| instance.is_none_or(|id| &*task.instance == id);
        let task = self.tasks.iter().find(of);
        let status = match task.map_or_else(|| self.state(), |task| task.state) {
            TaskState::Doing => EventStatus::Running,
            TaskState::Success => EventStatus::Done,
            TaskState::Failed => EventStatus::Failed,
        };
        EventReading {
            event: Text::clone(&self.id),
            status,
            created_at: task.map(|task| task.created_at),
            ended_at: task.and_then(|task| task.ended_at),
        }
    }
}

impl EventKept {
    pub(super) fn view(&self, id: &Text, now: Time) -> EventView {
        let task = |(number, task): (usize, &TaskKept)| {
            let told = task.told_at <= now;
            TaskView {
                id: format!("{id}-{number}").into(),
                instance: Text::clone(&task.instance),
                state: match (told, task.fails) {
                    (false, _) => TaskState::Doing,
                    (true, false) => TaskState::Success,
                    (true, true) => TaskState::Failed,
                },
                created_at: Time::from_seconds(task.created_at.seconds()),
                ended_at: told.then(|| Time::from_seconds(task.ends_at.seconds())),
            }
        };
        EventView {
            id: Text::clone(id),
            kind: self.kind,
            created_at: Time::from_seconds(self.created_at.seconds()),
            tasks: self.tasks.iter().enumerate().map(task).collect(),
        }
    }
}
