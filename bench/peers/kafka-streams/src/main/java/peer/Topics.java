package peer;

final class Topics {
  static final String DESIRED = "peer-desired";
  static final String ACCOUNTS = "peer-accounts";
  static final String FINDINGS = "peer-findings";

  private Topics() {}
}
