//! What a setting is where the config does not say it: every default stands here and nowhere else.
//! `config/farmscale.toml` and `docs/queues/` show them, and tests hold both equal to what is read. (The
//! cloud's are `cloud::Endpoints::default`, for the client is a library by itself.)

use crate::model::{Shape, Span, Text};
use crate::policy::{
    Care, IdleRule, Limits, MoneyCaps, OfferPolicy, OnCap, OnMax, Patience, Pool, Preset, Promise,
    Slots, Spending, Tier, Timing,
};

/// The store of the system's own daemon.
pub const STORE: &str = "/var/lib/farmscale";
/// The socket of the system's own daemon; another's lies in its store.
pub const SOCKET: &str = "/run/farmscale/farmscale.sock";
/// Where the page listens.
pub const PAGE_LISTEN: &str = "127.0.0.1:8420";
/// Whether the log is written as JSON lines.
pub const LOG_JSON: bool = false;
/// The time zone of calendar windows, and of the days and months of money.
pub const ZONE: &str = "Asia/Shanghai";

/// Of a shared limit; `count` or `from` must be said.
pub const SHARED_COUNT: u32 = 0;

/// `[pools.NAME]`.
pub mod pool {
    /// Machines kept whatever the queue says.
    pub const MIN: u32 = 0;
    /// GPUs a task computes on.
    pub const TASK_GPUS: u32 = 1;
    /// Memory it needs on each, in GiB; 0 = any.
    pub const TASK_GPU_MEMORY: u32 = 0;
    /// Waiting tasks one slot is trusted with.
    pub const TASKS_PER_SLOT: u32 = 1;
    /// Slots above demand.
    pub const HEADROOM: u32 = 0;
    /// Queue workers on each GPU…
    pub const SLOTS_PER_GPU: u32 = 1;
    /// …or on each machine, if not 0.
    pub const SLOTS_PER_MACHINE: u32 = 0;
    /// GiB of the system disk.
    pub const DISK_SIZE: u32 = 40;
    /// The account is whitelisted for stops without charge.
    pub const FREE_STOP: bool = true;
    /// Whether growing leaves spot machines in use alone.
    pub const SKIP_SPOT_RELEASE: bool = true;
}

/// `[pools.NAME.spot]`.
pub mod spot {
    /// Machines on demand before the first spot machine…
    pub const ON_DEMAND_MIN: u32 = 0;
    /// …and their share of all, in percent.
    pub const ON_DEMAND_PERCENT: u32 = 0;
}

/// `[[pools.NAME.sizes]]`.
pub mod size {
    use crate::model::Span;

    /// GPUs of a machine.
    pub const GPUS: u32 = 1;
    /// Memory of each, in GiB; 0 = not known.
    pub const GPU_MEMORY: u32 = 0;
    /// Work per second, in millionths of the reference GPU.
    pub const SPEED_PPM: i64 = 1_000_000;
    /// Running time is charged in whole units of this.
    pub const BILLING_UNIT: Span = Span::seconds(1);
}

/// `[queues.NAME]`, of several sources or of one.
pub mod queue {
    use crate::model::Span;

    /// For an answer.
    pub const TIMEOUT: Span = Span::seconds(10);
    /// The largest answer, in MiB.
    pub const ANSWER_MAX: u32 = 64;
    /// GPUs of a task of a list of its own needs.
    pub const GPUS: u32 = 1;
    /// Memory of each, in GiB; 0 = any.
    pub const GPU_MEMORY: u32 = 0;

    /// `[queues.NAME.json]`: where the values stand.
    pub mod json {
        /// Waiting tasks.
        pub const QUEUED: &str = "/queued";
        /// Running tasks.
        pub const RUNNING: &str = "/running";
        /// Seconds the oldest has waited.
        pub const OLDEST_WAIT_S: &str = "/oldest_wait_s";
        /// The list of workers.
        pub const WORKERS: &str = "/workers";
        /// Within a worker: its name…
        pub const WORKER_NAME: &str = "/name";
        /// …its machine…
        pub const WORKER_INSTANCE: &str = "/instance";
        /// …and what it does.
        pub const WORKER_STATE: &str = "/state";
        /// The list of tasks.
        pub const TASKS: &str = "/tasks";
    }

    /// Redis, Celery, RQ: the server.
    pub const REDIS_URL: &str = "redis://127.0.0.1:6379";
    /// Redis: what a worker holds.
    pub const BUSY_PREFIX: &str = "busy:";
    /// Redis: heartbeats.
    pub const WORKER_PREFIX: &str = "worker:";
    /// Redis: drain flags.
    pub const DRAIN_PREFIX: &str = "drain:";
    /// Celery: for workers to answer.
    pub const ANSWER_WAIT: Span = Span::seconds(2);
    /// `RabbitMQ`: the virtual host.
    pub const VHOST: &str = "/";
    /// `RabbitMQ`: the management API.
    pub const RABBITMQ_URL: &str = "http://127.0.0.1:15672";
    /// Flamenco: the manager.
    pub const FLAMENCO_URL: &str = "http://127.0.0.1:8080";
    /// Prometheus: the server.
    pub const PROMETHEUS_URL: &str = "http://127.0.0.1:9090";
    /// Prometheus: older samples are no reading.
    pub const AGE_MAX: Span = Span::minutes(2);
    /// `PostgreSQL`: the database.
    pub const POSTGRES_URL: &str = "postgres://farmscale@127.0.0.1:5432/render";
    /// NATS: the account whose streams are read.
    pub const NATS_ACCOUNT: &str = "$G";
    /// `BullMQ`: what its keys begin with.
    pub const BULLMQ_PREFIX: &str = "bull";
    /// beanstalkd: host and port.
    pub const BEANSTALKD_ADDRESS: &str = "127.0.0.1:11300";
    /// Slurm: its config.
    pub const SLURM_CONF: &str = "/etc/slurm/slurm.conf";
    /// Slurm: where its programs are.
    pub const SLURM_PROGRAMS: &str = "/usr/bin";
    /// Slurm: for an answer of its programs, which ask a controller that may be busy.
    pub const SLURM_TIMEOUT: Span = Span::seconds(20);
}

impl Pool {
    /// A pool for which nothing is said but what must be.
    pub fn usual(name: &str, queue: &str, offers: Vec<OfferPolicy>, max: u32) -> Self {
        let Preset { promise, patience } = Preset::default();
        Self {
            name: Text::from(name),
            tag: Self::usual_tag(name).into(),
            queue: Text::from(queue),
            offers,
            min: pool::MIN,
            max,
            on_max: OnMax::default(),
            windows: Vec::new(),
            slots: Slots::PerGpu(pool::SLOTS_PER_GPU),
            shape: Shape { gpus: pool::TASK_GPUS, gpu_memory_gib: pool::TASK_GPU_MEMORY },
            tasks_per_slot: pool::TASKS_PER_SLOT,
            headroom: pool::HEADROOM,
            tier: Tier { patience, ..Tier::default() },
            caps: MoneyCaps::default(),
            spot: None,
            takes: Vec::new(),
            promise,
            idle: IdleRule::default(),
            drains: true,
            surge: Self::usual_surge(max),
            care: Care::default(),
        }
    }

    /// The part of machines' names that a pool of this name has.
    pub fn usual_tag(name: &str) -> String {
        let letters = name.to_lowercase();
        let letters = letters.chars().filter(char::is_ascii_alphanumeric);
        letters.take(crate::model::name::POOL_MAX).collect()
    }

    /// Machines on their way at once.
    pub fn usual_surge(max: u32) -> u32 {
        max.max(1)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max: 100, open_creates: 4, stops_floor: 20, stops_percent: 80, deletes_floor: 50 }
    }
}

impl Default for Tier {
    fn default() -> Self {
        Self {
            keep_stopped: true,
            stop_after: None,
            delete_after: None,
            patience: Patience::balanced(),
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            queue_poll: Span::seconds(10),
            fleet_poll: Span::seconds(30),
            stock_poll: Span::seconds(60),
            quote_age_max: Span::minutes(10),
            event_poll: Span::seconds(10),
            look_timeout: Span::minutes(2),
            listing_lag_max: Span::seconds(150),
            unknown_counts: Span::seconds(90),
            create_grace: Span::minutes(15),
            late_max: Span::seconds(120),
            boot_max: Span::minutes(15),
            absent_max: Span::minutes(5),
            stale_after: Span::minutes(1),
            quarantine: Span::minutes(30),
            heartbeat: Span::seconds(30),
            boot_mean: Span::seconds(240),
            restart_mean: Span::seconds(60),
            window: Span::minutes(10),
            refusal_first: Span::minutes(2),
            refusal_max: Span::minutes(30),
            tombstone: Span::days(7),
            jump_freeze: Span::minutes(2),
            turn_floor: Span::seconds(1),
            turn_ceiling: Span::seconds(60),
        }
    }
}

impl Default for Spending {
    fn default() -> Self {
        let (caps, on_cap) = (MoneyCaps::default(), OnCap::default());
        Self { caps, soft_percent: 80, on_cap, zone: jiff::tz::TimeZone::UTC }
    }
}

impl Default for Preset {
    fn default() -> Self {
        Self::balanced()
    }
}

impl Default for Promise {
    fn default() -> Self {
        Self::balanced()
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::balanced()
    }
}
