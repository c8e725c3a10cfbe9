package peer;

import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The job of W(n) as a Kafka Streams application.
 *
 * <pre>
 *   Peer load BROKERS PARTITIONS intent|snapshot N records|chunks
 *   Peer run BROKERS PARTITIONS STATE_DIR records|chunks
 * </pre>
 *
 * `run` reads lines: at `pause` it processes what there is, pauses and answers `paused`; at `measure` it goes on and, when all input is
 * committed, answers seconds, CPU seconds and anonymous memory (its highest, MB) as JSON. It ends with its input.
 */
public final class Peer {
  private static final String APPLICATION = "peer";

  private Peer() {}

  public static void main(String[] args) throws Exception {
    int partitions = Integer.parseInt(args[2]);
    if (args[0].equals("load")) Load.run(args[1], partitions, args[3], Long.parseLong(args[4]), args[5].equals("chunks"));
    else run(args[1], partitions, args[3], args[4].equals("chunks"));
  }

  private static void run(String brokers, int partitions, String stateDir, boolean chunked) throws Exception {
    KafkaStreams streams = new KafkaStreams(topology(chunked), config(brokers, stateDir));
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in))) {
      streams.start();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.equals("pause")) {
          untilCommitted(admin, partitions);
          streams.pause();
          System.out.println("paused");
        } else {
          System.out.println(measure(streams, admin, partitions));
        }
      }
    }
    streams.close();
  }

  private static String measure(KafkaStreams streams, Admin admin, int partitions) throws Exception {
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    long cpu = system.getProcessCpuTime();
    Reconcile.FIRST_NANOS.set(0);
    streams.resume();
    untilCommitted(admin, partitions);
    double seconds = (System.nanoTime() - Reconcile.FIRST_NANOS.get()) / 1e9;
    double cpuSeconds = (system.getProcessCpuTime() - cpu) / 1e9;
    return String.format("{\"seconds\":%.3f,\"cpuSeconds\":%.3f,\"anonymousMb\":%.0f}", seconds, cpuSeconds, anonymousMb());
  }

  private static double anonymousMb() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("RssAnon:")) return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
    }
    return 0;
  }

  /** Until the group's offsets, which are committed with the outputs, stand at the end of all input. */
  private static void untilCommitted(Admin admin, int partitions) throws Exception {
    List<TopicPartition> inputs = IntStream.range(0, partitions).boxed()
        .flatMap(p -> List.of(new TopicPartition(Topics.DESIRED, p), new TopicPartition(Topics.ACCOUNTS, p)).stream()).toList();
    Map<TopicPartition, OffsetSpec> latest = inputs.stream().collect(Collectors.toMap(p -> p, p -> OffsetSpec.latest()));
    while (true) {
      var ends = admin.listOffsets(latest).all().get();
      Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(APPLICATION).partitionsToOffsetAndMetadata().get();
      boolean done = inputs.stream().allMatch(p -> ends.get(p).offset() == 0 || (committed.get(p) != null && committed.get(p).offset() >= ends.get(p).offset()));
      if (done) return;
      Thread.sleep(20);
    }
  }

  private static Topology topology(boolean chunked) {
    return new Topology()
        .addSource("in", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), Topics.DESIRED, Topics.ACCOUNTS)
        .addProcessor("reconcile", () -> new Reconcile(chunked), "in")
        .addStateStore(store(Reconcile.DESIRED), "reconcile")
        .addStateStore(store(Reconcile.SEEN), "reconcile")
        .addSink("out", Topics.FINDINGS, Serdes.ByteArray().serializer(), Serdes.ByteArray().serializer(), "reconcile");
  }

  private static StoreBuilder<KeyValueStore<Bytes, byte[]>> store(String name) {
    return Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), Serdes.Bytes(), Serdes.ByteArray()).withCachingDisabled();
  }

  private static Properties config(String brokers, String stateDir) {
    Properties config = new Properties();
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, APPLICATION);
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    config.put(StreamsConfig.STATE_DIR_CONFIG, stateDir);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    config.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, -1);
    config.put(StreamsConfig.producerPrefix("linger.ms"), 20);
    config.put(StreamsConfig.producerPrefix("batch.size"), 256 * 1024);
    config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    return config;
  }
}
