//! The one suite that every backend passes: what the traits promise, case by case.

pub(crate) mod agents;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod callbacks;
pub(crate) mod fixtures;
pub(crate) mod messages;
pub(crate) mod races;
pub(crate) mod resolutions;
pub(crate) mod revoking;
pub(crate) mod sessions;
pub(crate) mod tallies;

/// Makes a test of every case. `$open` is awaited for each, and gives a fresh `Arc<dyn Store>` and what must outlive
/// it.
macro_rules! conformance {
    ($open:path) => {
        $crate::conformance::tests_of! { $open;
            agents::a_kept_agent_reads_back_whole,
            agents::an_agent_that_is_not_there_is_none,
            agents::agents_are_paged_newest_first,
            agents::a_change_sets_only_what_it_names,
            agents::an_origin_is_allowed_while_some_agent_has_it,
            agents::an_id_that_is_taken_is_refused_and_the_first_stays,
            agents::a_deleted_agent_takes_its_callback_with_it,
            agents::a_deleted_agent_takes_its_origins_and_keys_with_it,
            agents::a_deleted_agent_takes_its_sessions_with_it,
            agents::a_deleted_agent_takes_its_resolutions_and_gets_no_more,
            agents::a_deleted_agent_leaves_the_others_alone,
            callbacks::a_callback_is_none_until_it_is_put,
            callbacks::the_made_secret_is_taken_only_where_there_is_none,
            callbacks::a_secret_of_ones_own_counts_from_now_and_ends_a_rotation,
            callbacks::a_put_without_a_secret_leaves_an_open_rotation,
            callbacks::a_rotation_is_open_until_its_overlap_ends,
            callbacks::a_rotation_without_overlap_changes_at_once,
            callbacks::a_rotation_needs_a_callback,
            callbacks::the_next_secret_is_promoted_once,
            callbacks::a_secret_that_is_not_next_is_not_promoted,
            callbacks::a_deleted_callback_takes_its_secrets_with_it,
            api_keys::a_key_is_found_by_its_hash_alone,
            api_keys::a_key_needs_an_agent_and_a_hash_of_its_own,
            api_keys::keys_are_paged_newest_first_per_agent,
            api_keys::the_last_use_is_the_latest,
            api_keys::a_key_is_deleted_by_its_own_agent_only,
            sessions::a_kept_session_reads_back_whole,
            sessions::a_session_needs_an_agent,
            sessions::a_session_is_found_until_the_moment_it_ends,
            sessions::a_session_settled_at_once_is_kept_with_its_resolution,
            sessions::identifying_begins_once,
            sessions::a_session_that_has_ended_does_not_begin_to_be_identified,
            sessions::a_session_is_settled_once_and_both_resolutions_are_kept,
            sessions::a_failure_is_kept_with_the_session,
            sessions::a_created_session_can_be_settled_too,
            sessions::a_session_that_has_ended_or_never_was_is_not_settled,
            sessions::an_identity_keeps_every_byte_of_its_attributes,
            sessions::pending_sessions_come_oldest_first_in_pages,
            sessions::ended_sessions_are_removed_at_most_limit_at_a_time,
            sessions::settled_sessions_of_a_deleted_agent_are_removed_before_they_end,
            revoking::a_revoked_session_has_lost_its_identity_and_stays_revoked,
            revoking::a_session_can_be_revoked_before_it_is_settled,
            revoking::revoking_counts_only_what_it_changes,
            revoking::a_user_is_revoked_in_all_live_sessions_of_that_agent_only,
            messages::a_message_reads_back_whole_and_in_the_order_of_writing,
            messages::a_later_message_has_a_later_time_whatever_the_clock_does,
            messages::messages_are_paged_oldest_first,
            messages::a_message_needs_a_session_that_is_there,
            messages::a_session_has_500_messages_and_no_more,
            messages::a_reply_grows_until_it_is_done,
            messages::a_reply_grows_to_its_bound_and_in_its_own_session_only,
            messages::what_has_changed_is_told_in_the_order_of_the_changes,
            messages::a_visitors_message_waits_for_its_session_to_be_settled,
            messages::only_what_visitors_say_is_handed_over_and_to_their_own_agent,
            messages::a_session_settled_twice_hands_its_messages_over_once,
            messages::nothing_is_handed_over_of_a_session_that_has_ended_or_was_revoked,
            messages::a_number_is_never_given_twice,
            messages::messages_go_with_their_ended_sessions_at_most_limit_at_a_time,
            messages::messages_of_a_deleted_agent_are_gone_and_soon_removed,
            messages::of_many_that_write_and_settle_at_once_all_are_handed_over,
            resolutions::a_resolution_reads_back_whole_for_its_own_agent_only,
            resolutions::resolutions_are_paged_newest_first,
            resolutions::every_code_and_reason_finds_its_own,
            resolutions::reasons_of_a_code_are_paged_as_one_list,
            resolutions::filters_are_joined,
            resolutions::a_sessions_resolutions_are_found_without_its_agent,
            resolutions::a_sessions_resolutions_are_found_by_its_own_agent_and_joined_with_a_reason,
            resolutions::numbers_follow_the_order_of_keeping_and_are_each_agents_own,
            resolutions::a_number_is_above_all_before_it_though_these_are_gone_or_the_clock_goes_back,
            resolutions::of_many_that_settle_at_once_none_is_missed_by_who_reads_on,
            resolutions::old_resolutions_are_removed_and_newer_ones_stay,
            resolutions::resolutions_of_a_deleted_agent_are_removed_before_they_are_old,
            tallies::a_session_is_counted_once_by_how_it_ended,
            tallies::a_session_that_is_not_settled_by_it_is_not_counted,
            tallies::only_what_the_endpoint_was_asked_for_has_a_duration,
            tallies::what_was_counted_comes_in_steps_of_its_stretch,
            tallies::minutes_become_hours_and_count_the_same,
            tallies::a_minute_that_comes_late_joins_its_hour,
            tallies::old_hours_are_removed_at_most_limit_at_a_time,
            tallies::tallies_of_a_deleted_agent_are_gone_and_soon_removed,
            tallies::tallies_of_all_agents_are_paged_newest_first,
            tallies::of_many_that_settle_at_once_all_are_counted,
            audit::an_entry_reads_back_whole,
            audit::a_changed_agent_leaves_an_entry_with_the_names_of_what_changed,
            audit::a_changed_callback_leaves_an_entry_with_the_names_of_what_changed,
            audit::a_made_or_removed_key_leaves_an_entry,
            audit::what_changes_nothing_leaves_no_entry,
            audit::a_change_whose_entry_cannot_be_kept_is_not_made,
            audit::entries_are_paged_newest_first_of_all_agents_or_of_one,
            audit::old_entries_are_removed_at_most_limit_at_a_time,
            races::of_many_that_begin_to_identify_one_does,
            races::of_many_that_settle_one_does,
            races::settling_and_revoking_at_once_always_end_revoked,
            races::of_many_rotations_one_is_begun,
            races::every_one_of_many_writes_at_once_is_kept,
        }
    };
}
pub(crate) use conformance;

macro_rules! tests_of {
    ($open:path; $($module:ident::$case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (store, _outlives) = $open().await;
            $crate::conformance::$module::$case(&store).await;
        }
    )*};
}
pub(crate) use tests_of;
