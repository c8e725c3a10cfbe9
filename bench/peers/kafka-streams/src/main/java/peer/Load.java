package peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;

/** Writes desires and role definitions, or one snapshot of the accounts, one record an account or in chunks of 250. */
final class Load {
  private static final int CHUNK = 250;
  private final KafkaProducer<byte[], byte[]> producer;
  private final int partitions;
  private final ByteBuffer scratch = ByteBuffer.allocate(1 << 20);

  private Load(String brokers, int partitions) {
    Properties config = new Properties();
    config.put("bootstrap.servers", brokers);
    config.put("linger.ms", 20);
    config.put("batch.size", 256 * 1024);
    this.producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    this.partitions = partitions;
  }

  static void run(String brokers, int partitions, String what, long accounts, boolean chunked) {
    Load load = new Load(brokers, partitions);
    if (what.equals("intent")) load.intent(accounts);
    else load.snapshot(accounts, chunked);
    load.producer.close();
  }

  private void intent(long accounts) {
    for (int role = 0; role < Workload.ROLES; role++) {
      Wire.text(scratch, Workload.role(role));
      int parent = Workload.parentOf(role);
      Wire.text(scratch, parent < 0 ? "" : Workload.role(parent));
      List<String> permissions = new ArrayList<>();
      for (int permission : Workload.permissionsOfRole(role)) permissions.add(Workload.permission(permission));
      Wire.texts(scratch, permissions);
      byte[] definition = Wire.taken(scratch);
      for (int partition = 0; partition < partitions; partition++) {
        producer.send(new ProducerRecord<>(Topics.DESIRED, partition, null, definition));
      }
    }
    for (long account = 0; account < accounts; account++) {
      assignments(account, Workload.directOf(account));
      byte[] key = key(account);
      producer.send(new ProducerRecord<>(Topics.DESIRED, partitionOf(key), key, Wire.taken(scratch)));
    }
  }

  private void snapshot(long accounts, boolean chunked) {
    Map<Integer, ByteBuffer> open = new HashMap<>();
    Map<Integer, Integer> counts = new HashMap<>();
    for (long account = 0; account < accounts; account++) {
      byte[] key = key(account);
      int partition = partitionOf(key);
      byte[] value = account(account);
      if (!chunked) {
        producer.send(new ProducerRecord<>(Topics.ACCOUNTS, partition, key, value));
        continue;
      }
      ByteBuffer chunk = open.computeIfAbsent(partition, ignored -> ByteBuffer.allocate(1 << 17));
      chunk.put((byte) key.length).put(key).putShort((short) value.length).put(value);
      if (counts.merge(partition, 1, Integer::sum) % CHUNK == 0) {
        producer.send(new ProducerRecord<>(Topics.ACCOUNTS, partition, null, Wire.taken(chunk)));
      }
    }
    open.forEach((partition, chunk) -> {
      if (chunk.position() > 0) producer.send(new ProducerRecord<>(Topics.ACCOUNTS, partition, null, Wire.taken(chunk)));
    });
  }

  private byte[] account(long account) {
    Wire.text(scratch, "human");
    Wire.text(scratch, "active");
    Wire.text(scratch, Long.toString(account));
    List<Integer> granted = new ArrayList<>(Workload.grantedOf(account));
    assignments(account, granted.stream().mapToInt(Integer::intValue).toArray());
    return Wire.taken(scratch);
  }

  private void assignments(long account, int[] direct) {
    Wire.texts(scratch, Workload.rolesOf(account).stream().map(Workload::role).sorted().toList());
    List<String> permissions = new ArrayList<>();
    for (int permission : direct) permissions.add(Workload.permission(permission));
    Wire.texts(scratch, permissions);
  }

  private static byte[] key(long account) {
    return ("bench/a" + account).getBytes(StandardCharsets.UTF_8);
  }

  private int partitionOf(byte[] key) {
    return Utils.toPositive(Utils.murmur2(key)) % partitions;
  }
}
