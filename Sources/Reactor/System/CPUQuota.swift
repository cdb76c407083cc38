/// How much CPU time the control groups of a process grant it, in CPUs: 1.5 is one and a half.
///
/// A container sees all CPUs of its machine however few it may use, and is halted for the rest of
/// each period once its share is used up: more threads than that only add to the pauses.
struct CPUQuota {
  /// Reads a file: nil when there is none. Tests pass their own.
  private let read: (String) -> String?

  init(read: @escaping (String) -> String?) {
    self.read = read
  }

  /// The quota of this process, or nil when there is none.
  static func ofProcess() -> Double? {
    CPUQuota(read: TextFile.read).smallest()
  }

  /// The smallest quota of the control group and all groups above it, in both versions of control
  /// groups.
  func smallest() -> Double? {
    guard let groups = read("/proc/self/cgroup"), let mounts = read("/proc/self/mountinfo") else {
      return nil
    }
    var quotas: [Double] = []
    for mount in mounts.split(separator: "\n").compactMap(Mount.init) {
      guard let path = path(in: groups, of: mount) else { continue }
      for directory in directories(from: path, in: mount) {
        if let quota = mount.isVersion2 ? quota2(directory) : quota1(directory) {
          quotas.append(quota)
        }
      }
    }
    return quotas.min()
  }

  /// A mounted hierarchy that can limit CPU time.
  private struct Mount {
    let isVersion2: Bool
    /// Which part of the hierarchy is to be seen at the mount point.
    let root: Substring
    let point: Substring

    /// A line such as `32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu`; nil
    /// when it is of something else. A variable number of fields precedes the dash.
    /// proc_pid_mountinfo(5)
    init?(_ line: Substring) {
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else {
        return nil
      }
      root = fields[3]
      point = fields[4]
      isVersion2 = fields[dash + 1] == "cgroup2"
      let options = fields[dash + 3].split(separator: ",")
      guard isVersion2 || (fields[dash + 1] == "cgroup" && options.contains("cpu")) else {
        return nil
      }
    }
  }

  /// The group of the process in the hierarchy, by a line such as `4:cpu,cpuacct:/a/b` or
  /// `0::/a/b`.
  private func path(in groups: String, of mount: Mount) -> Substring? {
    for line in groups.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let isWanted =
        mount.isVersion2
        ? fields[0] == "0" && fields[1].isEmpty
        : fields[1].split(separator: ",").contains("cpu")
      if isWanted { return fields[2] }
    }
    return nil
  }

  /// The directory of the group and those above it, up to the mount point.
  private func directories(from path: Substring, in mount: Mount) -> [String] {
    var names = path.split(separator: "/")
    let rootNames = mount.root.split(separator: "/")
    // A group outside of what is mounted cannot be seen: what is mounted is then above or beside
    // it.
    names = names.starts(with: rootNames) ? Array(names.dropFirst(rootNames.count)) : []
    if names.contains("..") { names = [] }
    return (0...names.count).map { count in
      mount.point + names.prefix(count).map { "/\($0)" }.joined()
    }
  }

  /// `50000 100000` or `max 100000`: microseconds of CPU time in so many microseconds.
  private func quota2(_ directory: String) -> Double? {
    guard let fields = read("\(directory)/cpu.max")?.split(whereSeparator: \.isWhitespace),
      fields.count == 2
    else { return nil }
    return quota(Double(fields[0]), period: Double(fields[1]))
  }

  /// -1: no limit.
  private func quota1(_ directory: String) -> Double? {
    quota(
      number("\(directory)/cpu.cfs_quota_us"), period: number("\(directory)/cpu.cfs_period_us"))
  }

  private func number(_ path: String) -> Double? {
    read(path)?.split(whereSeparator: \.isWhitespace).first.flatMap { Double($0) }
  }

  private func quota(_ time: Double?, period: Double?) -> Double? {
    guard let time, let period, time > 0, period > 0 else { return nil }
    return time / period
  }
}
