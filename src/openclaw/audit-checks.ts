/**
 * Every check of `openclaw security audit` in 2026.2.26 and 2026.9.6, by the first word of its id (openclaw
 * `src/security/audit*.ts`); `*` stands for what the id takes from the configuration.
 */
const CHECKS: Readonly<Record<string, string>> = {
  browser: 'control_invalid_config control_no_auth extension_relay_legacy_auth remote_cdp_http remote_cdp_private_host',
  channels:
    '*.dm.disabled *.dm.locked *.dm.open *.dm.open_invalid *.dm.scope_main_multiuser *.groups.open *.account.read_only_resolution *.allowFrom.dangerous_name_matching_enabled *.allowFrom.mutable_entries_inert *.dm.wildcard_routing_unverified.* *.routing.owner_missing.* *.warning.* discord.allowFrom.name_based_entries discord.commands.native.no_allowlists discord.commands.native.unrestricted dm.session_collision.*.* slack.commands.slash.no_allowlists slack.commands.slash.useAccessGroups_off telegram.allowFrom.invalid_entries telegram.groups.allowFrom.missing telegram.groups.allowFrom.wildcard telegram.groups.open',
  config:
    'agent_roster.invalid_default_count insecure_or_dangerous_flags plaintext_secrets secrets.gateway_password_in_config secrets.hooks_token_in_config',
  discovery: 'mdns_full_mode',
  fs: 'auth_profiles.perms_readable auth_profiles.perms_writable config.perms_group_readable config.perms_world_readable config.perms_writable config.symlink config_include.perms_group_readable config_include.perms_world_readable config_include.perms_writable credentials_dir.perms_readable credentials_dir.perms_writable log_file.perms_readable sessions_store.perms_readable state_dir.perms_group_writable state_dir.perms_readable state_dir.perms_world_writable state_dir.symlink synced_dir',
  gateway:
    '*_placeholder_value *_too_short auth_no_rate_limit bind_network_accessible bind_no_auth control_ui.allowed_origins_required control_ui.allowed_origins_wildcard control_ui.device_auth_disabled control_ui.host_header_origin_fallback control_ui.insecure_auth env_token_overrides_config http.no_auth http.session_key_override_enabled loopback_no_auth nodes.allow_commands_dangerous nodes.deny_commands_ineffective probe_auth_secretref_unavailable probe_failed real_ip_fallback_enabled tailscale_funnel tailscale_serve token_too_short tools_invoke_http.dangerous_allow trusted_proxies_missing trusted_proxy_allow_loopback trusted_proxy_auth trusted_proxy_device_auto_approve trusted_proxy_device_auto_approve_admin trusted_proxy_no_allowlist trusted_proxy_no_proxies trusted_proxy_no_user_header',
  hooks:
    'allowed_agent_ids_unrestricted default_session_key_unset installs_missing_integrity installs_unpinned_npm_specs installs_version_drift path_root request_session_key_enabled request_session_key_prefixes_missing token_reuse_gateway_token token_too_short',
  logging: 'redact_off',
  mcp: 'apps.enabled',
  models: 'legacy small_params weak_tier',
  plugins:
    '*.security_audit_failed allow_phantom_entries code_safety code_safety.entry_escape code_safety.entry_path code_safety.manifest_parse_error code_safety.scan_failed extensions_no_allowlist installs_missing_integrity installs_unpinned_npm_specs installs_version_drift tools_reachable_permissive_policy',
  sandbox:
    'bind_mount_non_absolute browser_cdp_bridge_unrestricted browser_container.docker_probe_timeout browser_container.hash_epoch_stale browser_container.hash_label_missing browser_container.non_loopback_publish dangerous_apparmor_profile dangerous_bind_mount dangerous_network_mode dangerous_seccomp_profile docker_config_mode_off',
  security:
    'audit.suppressions.active exposure.open_channels_with_exec exposure.open_groups_with_control_plane_tools exposure.open_groups_with_elevated exposure.open_groups_with_runtime_or_fs trust_model.cross_agent_session_access_default trust_model.group_scope_main trust_model.multi_user_heuristic',
  skills: 'code_safety code_safety.scan_failed workspace.scan_truncated workspace.symlink_escape',
  summary: 'attack_surface',
  tools:
    'elevated.allowFrom.*.large elevated.allowFrom.*.wildcard exec.agent_skill_mcp_boundary_drift exec.allowlist_interpreter_without_strict_inline_eval exec.auto_allow_skills_enabled exec.fs_tools_disabled_but_exec_enabled exec.host_sandbox_no_sandbox_agents exec.host_sandbox_no_sandbox_defaults exec.mcporter_registry_inspection_incomplete exec.safe_bin_trusted_dirs_risky exec.safe_bins_broad_behavior exec.safe_bins_interpreter_unprofiled exec.security_full_configured profile_minimal_overridden',
};

/** Ids that are known, as patterns. A report with another one comes from a release that nobody looked at. */
export const AUDIT_CHECKS: readonly RegExp[] = Object.entries(CHECKS).map(
  ([family, rest]) => new RegExp(`^${family}\\.(?:${rest.split(' ').map(pattern).join('|')})$`),
);

function pattern(id: string): string {
  return id.replaceAll('.', '\\.').replaceAll('*', '[^\\s.]+');
}
