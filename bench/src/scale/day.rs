//! One day, minute by minute.

use std::f64::consts::TAU;

use super::Assumed;
use super::measured::Measured;

const MINUTES: usize = 24 * MINUTES_PER_HOUR;
const MINUTES_PER_HOUR: usize = 60;
const SECONDS_PER_MINUTE: f64 = 60.0;
/// `--max-connections`, unless set.
const CONNECTIONS_PER_NODE: f64 = 10_000.0;
/// `--max-pending`, unless set.
const PENDING_PER_NODE: f64 = 50_000.0;
/// How often a node commits what its sessions write, at most: once in two milliseconds.
const COMMITS_PER_NODE: f64 = 500.0;
/// How long resolutions are kept. Of a session more ends after a day; it is counted as if all of it stayed, for a file does not shrink.
const DAYS_KEPT: f64 = 7.0;
/// Two attempts of three seconds, the `timeoutMs` of an agent unless set: what a session takes when its endpoint hangs.
const HUNG_SECONDS: f64 = 6.0;
/// Added when one node would do no longer: any one may be gone.
const SPARE_NODES: f64 = 1.0;
const KIB_PER_GIB: f64 = 1024.0 * 1024.0;
const MIB_PER_GIB: f64 = 1024.0;
const BYTES_PER_GIB: f64 = KIB_PER_GIB * 1024.0;
const HOURS_PER_DAY: f64 = 24.0;
const DAYS_PER_MONTH: f64 = 30.0;

/// What a node runs out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Cpu,
    Connections,
    Pending,
    Memory,
}

/// What all nodes together are asked for in one minute.
#[derive(Clone, Copy, Default)]
struct Demand {
    cores: f64,
    connections: f64,
    pending: f64,
    memory_kib: f64,
}

/// What came of a day.
pub(super) struct Day {
    pub(super) sessions: f64,
    /// Sessions a second in the busiest minute.
    pub(super) peak: f64,
    /// Visitors that are connected then.
    pub(super) connections: f64,
    /// Sessions that are pending then.
    pub(super) pending: f64,
    /// The same, while every endpoint hangs.
    pub(super) hung: f64,
    /// How much of the connections that all nodes take are in use then.
    pub(super) hung_share: f64,
    /// Nodes for the busiest minute, with the spare one.
    pub(super) nodes: f64,
    pub(super) first: Bound,
    /// Cores of the database that several nodes share, as full as a node's are to be. None where one node does.
    pub(super) database_cores: f64,
    /// Sessions written a second in the busiest minute: each as often as it is.
    pub(super) writes: f64,
    /// Commits a second then.
    pub(super) commits: f64,
    pub(super) written_gib: f64,
    pub(super) held_gib: f64,
    /// For a million sessions, with as many nodes all day as the busiest minute takes.
    pub(super) cost: f64,
    /// The same, with as many in each hour as that takes.
    pub(super) cost_following: f64,
}

impl Day {
    pub(super) fn of(sessions: f64, measured: &Measured, assumed: &Assumed) -> Self {
        let rates = rates(sessions, assumed.busiest_hour);
        let open = open(&rates, usize::from(assumed.open_minutes));
        let node = Demand::of_node(measured, assumed);
        let usual_seconds = assumed.endpoint_millis / 1e3;
        let minutes: Vec<_> = rates
            .iter()
            .zip(open)
            .map(|(rate, open)| {
                let of = |seconds| Demand::of(*rate, open, seconds, measured, assumed);
                Minute { usual: of(usual_seconds), hung: of(HUNG_SECONDS) }
            })
            .collect();
        let busiest = minutes.iter().max_by(|one, other| {
            one.needs(node, assumed.load).1.total_cmp(&other.needs(node, assumed.load).1)
        });
        let busiest = busiest.expect("a day has minutes");
        let nodes = busiest.nodes(node, assumed.load);
        let peak = largest(rates.iter().copied());
        let writes = peak * assumed.weight;
        let held_gib = sessions * measured.kept_bytes * DAYS_KEPT / BYTES_PER_GIB;
        let disk_cost = held_gib * assumed.gib_month / DAYS_PER_MONTH;
        let node_hour = assumed.cores * assumed.core_hour;
        let following: f64 = minutes
            .chunks(MINUTES_PER_HOUR)
            .map(|hour| largest(hour.iter().map(|minute| minute.nodes(node, assumed.load))))
            .sum();
        let millions = sessions / 1e6;
        let shared = if nodes > 1.0 { writes * measured.database_micros / 1e6 / assumed.load } else { 0.0 };
        let database_cores = shared.ceil();
        let database_cost = database_cores * HOURS_PER_DAY * assumed.core_hour;
        Self {
            sessions,
            peak,
            connections: largest(minutes.iter().map(|minute| minute.usual.connections)),
            pending: largest(minutes.iter().map(|minute| minute.usual.pending)),
            hung: largest(minutes.iter().map(|minute| minute.hung.pending)),
            hung_share: busiest.hung.connections / node.connections / nodes,
            nodes,
            first: busiest.needs(node, assumed.load).0,
            database_cores,
            writes,
            commits: writes.min(nodes * COMMITS_PER_NODE),
            written_gib: sessions * assumed.weight * measured.written_bytes / BYTES_PER_GIB,
            held_gib,
            cost: (nodes * HOURS_PER_DAY * node_hour + database_cost + disk_cost) / millions,
            cost_following: (following * node_hour + database_cost + disk_cost) / millions,
        }
    }
}

/// One minute of the day.
struct Minute {
    usual: Demand,
    /// The same minute while every endpoint hangs.
    hung: Demand,
}

impl Minute {
    /// What is full first, and how many nodes it takes: as usual with room to spare, and else just so.
    fn needs(&self, node: Demand, load: f64) -> (Bound, f64) {
        let usual = self.usual.shares(node).map(|(bound, share)| (bound, share / load));
        let all = usual.into_iter().chain(self.hung.shares(node));
        all.reduce(|most, one| if one.1 > most.1 { one } else { most }).expect("there are bounds")
    }

    fn nodes(&self, node: Demand, load: f64) -> f64 {
        let needed = self.needs(node, load).1.ceil().max(1.0);
        if needed > 1.0 { needed + SPARE_NODES } else { needed }
    }
}

impl Demand {
    /// With so many sessions a second, visitors that are connected, and seconds that an endpoint takes.
    fn of(rate: f64, open: f64, seconds: f64, measured: &Measured, assumed: &Assumed) -> Self {
        let pending = rate * seconds;
        let connections = open + pending;
        Self {
            cores: rate * assumed.weight * measured.cpu_micros / 1e6,
            connections,
            pending,
            // Of a stream it was not measured: it has one of the two sockets that a pending session has.
            memory_kib: connections * measured.kib_per_pending,
        }
    }

    /// What one node can bear.
    fn of_node(measured: &Measured, assumed: &Assumed) -> Self {
        let memory_mib = (assumed.memory * MIB_PER_GIB - measured.idle_mib).max(1.0);
        Self {
            cores: assumed.cores,
            connections: CONNECTIONS_PER_NODE,
            pending: PENDING_PER_NODE,
            memory_kib: memory_mib * 1024.0,
        }
    }

    fn shares(self, node: Self) -> [(Bound, f64); 4] {
        [
            (Bound::Cpu, self.cores / node.cores),
            (Bound::Connections, self.connections / node.connections),
            (Bound::Pending, self.pending / node.pending),
            (Bound::Memory, self.memory_kib / node.memory_kib),
        ]
    }
}

/// Sessions a second of each minute. They rise and fall once a day, as e to the power of a cosine: from evenly to all in
/// an hour, as the share of the busiest one says.
fn rates(sessions: f64, busiest_hour: f64) -> Vec<f64> {
    let (mut flat, mut steep) = (0.0, STEEPEST);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(flat, steep);
        if share_of_busiest_hour(&weights(middle)) < busiest_hour { flat = middle } else { steep = middle }
    }
    let weights = weights(flat);
    let all: f64 = weights.iter().sum();
    weights.iter().map(|weight| sessions * weight / all / SECONDS_PER_MINUTE).collect()
}

/// Beyond it, all of a day is within its busiest hour.
const STEEPEST: f64 = 1_000.0;
/// Until nothing is left between the two, of the digits that there are.
const HALVINGS: u32 = 64;
/// The busiest minute, in the middle.
const NOON: f64 = 720.0;

fn weights(steep: f64) -> Vec<f64> {
    (0..MINUTES)
        .map(|minute| {
            let minute = f64::from(u32::try_from(minute).expect("1,440 at most")) + 0.5;
            (steep * (((minute - NOON) * TAU / 1_440.0).cos() - 1.0)).exp()
        })
        .collect()
}

fn share_of_busiest_hour(weights: &[f64]) -> f64 {
    let busiest: f64 = weights[MINUTES / 2 - 30..MINUTES / 2 + 30].iter().sum();
    busiest / weights.iter().sum::<f64>()
}

/// How many are connected in each minute: those that came within so many, the day before being as this one.
fn open(rates: &[f64], minutes: usize) -> Vec<f64> {
    (0..MINUTES)
        .map(|minute| (0..minutes).map(|ago| rates[(minute + MINUTES - ago) % MINUTES]).sum::<f64>())
        .map(|rates| rates * SECONDS_PER_MINUTE)
        .collect()
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEASURED: Measured = Measured {
        cpu_micros: 100.0,
        database_micros: 50.0,
        idle_mib: 20.0,
        kib_per_pending: 50.0,
        kept_bytes: 1_000.0,
        written_bytes: 10_000.0,
    };

    #[track_caller]
    fn near(left: f64, right: f64) {
        assert!((left - right).abs() <= right.abs() * 1e-6, "{left} is not {right}");
    }

    #[test]
    fn a_day_has_its_sessions_and_its_busiest_hour_its_share() {
        for share in [1.0 / 24.0, 0.1, 0.5] {
            let rates = rates(86_400.0, share);
            near(rates.iter().sum::<f64>() * SECONDS_PER_MINUTE, 86_400.0);
            near(share_of_busiest_hour(&rates), share);
        }
        near(largest(rates(86_400.0, 1.0 / 24.0).into_iter()), 1.0);
    }

    #[test]
    fn who_is_connected_came_within_the_minutes_that_a_chat_lasts() {
        let mut rates = vec![0.0; MINUTES];
        rates[MINUTES - 1] = 2.0;
        let open = open(&rates, 3);
        let (some, none): (Vec<_>, Vec<_>) =
            open.iter().enumerate().partition(|(_, connected)| **connected > 0.0);
        assert_eq!(some, [(0, &120.0), (1, &120.0), (MINUTES - 1, &120.0)]);
        assert_eq!(none.len(), MINUTES - 3);
    }

    #[test]
    fn what_is_asked_for_most_says_how_many_nodes_it_takes() {
        let node = Demand { cores: 2.0, connections: 200.0, pending: 200.0, memory_kib: 200.0 };
        let none = Demand::default();
        for (cores, connections, pending, memory_kib, hung, first, nodes) in [
            (0.9, 10.0, 10.0, 10.0, none, Bound::Cpu, 1.0),
            (2.5, 10.0, 10.0, 10.0, none, Bound::Cpu, 4.0),
            (0.5, 110.0, 10.0, 10.0, none, Bound::Connections, 3.0),
            (0.5, 110.0, 120.0, 10.0, none, Bound::Pending, 3.0),
            (0.5, 110.0, 120.0, 900.0, none, Bound::Memory, 10.0),
            (0.5, 110.0, 10.0, 10.0, Demand { pending: 700.0, ..none }, Bound::Pending, 5.0),
        ] {
            let minute = Minute { usual: Demand { cores, connections, pending, memory_kib }, hung };
            assert_eq!(minute.needs(node, 0.5).0, first);
            near(minute.nodes(node, 0.5), nodes);
        }
    }

    #[test]
    fn an_even_day_costs_what_its_nodes_and_its_disk_do() {
        let assumed = Assumed {
            busiest_hour: 1.0 / 24.0,
            weight: 1.0,
            endpoint_millis: 100.0,
            open_minutes: 1,
            cores: 2.0,
            memory: 4.0,
            load: 0.5,
            core_hour: 0.5,
            gib_month: 30.0,
        };
        // 20,000 sessions a second: two cores, 1.2 million connections.
        let day = Day::of(86_400.0 * 20_000.0, &MEASURED, &assumed);
        assert_eq!(day.first, Bound::Connections);
        near(day.connections, 1_202_000.0);
        near(day.nodes, 242.0);
        // One core's worth, on two that are half full.
        near(day.database_cores, 2.0);
        near(day.commits, 20_000.0);
        near(day.hung, 120_000.0);
        let gib = 86_400.0 * 20_000.0 * 1_000.0 / BYTES_PER_GIB;
        near(day.held_gib, gib * 7.0);
        near(day.written_gib, gib * 10.0);
        // What follows the load is no cheaper on a day without a busiest hour.
        near(day.cost, day.cost_following);
        near(day.cost, (242.0 * 24.0 + 2.0 * 24.0 * 0.5 + gib * 7.0) / 1_728.0);
    }
}
