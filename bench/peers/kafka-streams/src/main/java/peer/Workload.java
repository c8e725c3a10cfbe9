package peer;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.TreeSet;

/** W(n) of bench/README.md, by number: the same accounts, roles and desires that bench/workload.ts publishes. */
final class Workload {
  static final int PERMISSIONS = 200;
  static final int ROLES = 100;
  private static final Bits[] CLOSURES = closures();

  private Workload() {}

  static String permission(int number) {
    return String.format("perm-%03d", number % PERMISSIONS);
  }

  static String role(int number) {
    return String.format("role-%02d", number);
  }

  static int[] permissionsOfRole(int role) {
    return new int[] {4 * role % PERMISSIONS, (4 * role + 1) % PERMISSIONS, (4 * role + 2) % PERMISSIONS, (4 * role + 3) % PERMISSIONS};
  }

  /** -1 for the root. */
  static int parentOf(int role) {
    return role == 0 ? -1 : (role - 1) / 3;
  }

  static Set<Integer> rolesOf(long account) {
    Set<Integer> roles = new LinkedHashSet<>();
    roles.add((int) (account % ROLES));
    roles.add((int) ((account * 7 + 13) % ROLES));
    return roles;
  }

  static int[] directOf(long account) {
    return new int[] {(int) (account * 3 % PERMISSIONS), (int) ((account * 3 + 71) % PERMISSIONS), (int) ((account * 3 + 142) % PERMISSIONS)};
  }

  /** What the account is granted directly, sorted; every 25th has one that nobody desires. */
  static Set<Integer> grantedOf(long account) {
    Set<Integer> granted = new TreeSet<>();
    for (int permission : directOf(account)) granted.add(permission);
    if (account % 25 == 0) granted.add(planted(account));
    return granted;
  }

  private static int planted(long account) {
    Bits desired = new Bits();
    for (int role : rolesOf(account)) desired.add(CLOSURES[role]);
    for (int permission : directOf(account)) desired.set(permission);
    int candidate = (int) (account % PERMISSIONS);
    while (desired.has(candidate)) candidate = (candidate + 1) % PERMISSIONS;
    return candidate;
  }

  private static Bits[] closures() {
    Bits[] all = new Bits[ROLES];
    for (int role = 0; role < ROLES; role++) {
      all[role] = new Bits();
      for (int permission : permissionsOfRole(role)) all[role].set(permission);
      if (parentOf(role) >= 0) all[role].add(all[parentOf(role)]);
    }
    return all;
  }
}
