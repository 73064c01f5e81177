// differences.md §11: what never leaves the comparison, and what stays visible. Numbers, ids and names of keys are the core's.

const everywhere = (names: string): string[] => names.split(" ").map((name) => `$..${name}`);

export const REDACTION = {
  /** Paths of bodies and messages. */
  hidden: [
    // `name` is a person's or an account's; that of a folder is somebody's text just as well.
    ...everywhere("access_token refresh_token token password email name"),
    ...everywhere(
      "knowledge_base analysis_text kb log text content message message_text explanation_text delta question",
    ),
    ...everywhere("options[*] file_name file_names[*] files_received[*] uploaded_file_paths[*]"),
    ...everywhere("chat_history[*].text confusion_points[*] results[*].text"),
  ],
  visible: everywhere("error_code content_type type"),
} as const;
